import { z } from 'zod';
import { portRange } from './port-range.js';

/** Which proxy stands in front of the apps. */
export const routerEnvironment = {
  SHIPLOG_ROUTER: z
    .enum(['haproxy', 'nginx'])
    .default('haproxy')
    .describe('The proxy in front of the apps; docs/routing.md says what Nginx cannot do.'),
  SHIPLOG_TCP_PORTS: portRange('32000-32767')
    .default([32_000, 32_767])
    .describe(
      'Ports that apps may have at the router for TCP (`shiplog ports add`), those of the platform apart. Default: 32000-32767.',
    ),
  SHIPLOG_NGINX: z
    .string()
    .optional()
    .describe(
      'The nginx program (1.22 or newer, with its Lua module), where SHIPLOG_ROUTER is nginx. Default: found in PATH and /usr/sbin.',
    ),
  SHIPLOG_HAPROXY: z
    .string()
    .optional()
    .describe('The haproxy program (2.6 or newer). Default: found in PATH and /usr/sbin.'),
  SHIPLOG_HAPROXY_SOCKET: z
    .string()
    .optional()
    .describe(
      'Admin socket (path or host:port) of a HAProxy that somebody else runs with our configuration; ' +
        'it can grow where its master listens at master.sock beside it. Default: we run it.',
    ),
};

export const rangeOf = ([from = 0, to = 0]: readonly number[]) => ({ from, to });
