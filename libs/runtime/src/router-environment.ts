import { z } from 'zod';

/** Which proxy stands in front of the apps. */
export const routerEnvironment = {
  SHIPLOG_ROUTER: z
    .enum(['haproxy', 'nginx'])
    .default('haproxy')
    .describe('The proxy in front of the apps; docs/routing.md says what Nginx cannot do.'),
  SHIPLOG_NGINX: z
    .string()
    .optional()
    .describe(
      'The nginx program (1.22 or newer, with its Lua module), where SHIPLOG_ROUTER is nginx. Default: found in PATH and /usr/sbin.',
    ),
};
