import type { PlatformConfig } from '@shiplog/runtime';

type Where = Pick<PlatformConfig, 'domain' | 'routerPort' | 'apiPort'>;

/** Host at which an app answers without anybody asking for it. */
export const defaultHost = (name: string, { domain }: Where): string => `${name}.${domain}`;

/** Of a domain: its path goes behind the port. */
export const urlOfHost = (domain: string, { routerPort }: Where): string => {
  const [host = '', ...path] = domain.split('/');
  return `http://${host}${routerPort === 80 ? '' : `:${routerPort}`}/${path.join('/')}`;
};

export const urlOfApp = (name: string, where: Where): string =>
  urlOfHost(defaultHost(name, where), where);

/** As seen from outside: where the caller reached this api (`Host`), or loopback. */
export const gitUrlOf = (name: string, origin: string): string => `${origin}/git/${name}.git`;
