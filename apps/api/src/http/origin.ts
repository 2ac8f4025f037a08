import type { IncomingMessage } from 'node:http';
import type { PlatformConfig } from '@shiplog/runtime';
import { secureOriginOf } from './https-only.js';

const HOST = /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-f:]{2,45}\])(?::\d{1,5})?$/;

/**
 * Where the caller reached us, for URLs that we give back to the same caller. Only a host of plain
 * form is believed; anything else gets the address we listen on.
 */
export const originOf = (
  request: IncomingMessage,
  config: Pick<
    PlatformConfig,
    'publicApiPort' | 'bind' | 'domain' | 'routerPort' | 'tlsPort' | 'acme'
  >,
): string => {
  const secure = secureOriginOf(request, config);
  if (secure !== undefined) return secure;
  const host = request.headers.host ?? '';
  if (HOST.test(host)) return `http://${host}`;
  const listensEverywhere = config.bind === '0.0.0.0' || config.bind === '::';
  return `http://${listensEverywhere ? '127.0.0.1' : config.bind}:${config.publicApiPort}`;
};
