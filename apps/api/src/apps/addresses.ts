import { urlOf, type PlatformConfig } from '@shiplog/runtime';

type Where = Pick<PlatformConfig, 'domain' | 'routerPort' | 'tlsPort' | 'acme'>;

/** Host at which an app answers without anybody asking for it. */
export const defaultHost = (name: string, { domain }: Where): string => `${name}.${domain}`;

/** Of a domain: its path goes behind the port. A public platform gets a certificate for each host by itself. */
export const urlOfHost = (domain: string, where: Where): string => {
  const [host = '', ...path] = domain.split('/');
  return `${urlOf(host, where, where.acme !== undefined)}/${path.join('/')}`;
};

export const urlOfApp = (name: string, where: Where): string =>
  urlOfHost(defaultHost(name, where), where);

/** As seen from outside: where the caller reached this api (`Host`), or loopback. */
export const gitUrlOf = (name: string, origin: string): string => `${origin}/git/${name}.git`;
