import { z } from 'zod';

export const port = z.coerce.number().int().min(1).max(65_535);

/** Where the router listens, HTTPS, and what makes a platform public. */
export const publicEnvironment = {
  SHIPLOG_ROUTER_PORT: port
    .optional()
    .describe('Port on which the router serves the apps. Default: 8080; 80 on a public platform.'),
  SHIPLOG_TLS_PORT: port
    .optional()
    .describe(
      'Port on which the router serves apps that have a certificate over HTTPS (docs/https.md). Default: none; 443 on a public platform.',
    ),
  SHIPLOG_ROUTER_BIND: z
    .string()
    .optional()
    .describe(
      'Address on which the router listens. Default: SHIPLOG_BIND; 0.0.0.0 on a public platform.',
    ),
  SHIPLOG_PUBLIC: z
    .enum(['yes', 'no'])
    .default('no')
    .describe(
      'yes: the platform is reached at https://SHIPLOG_DOMAIN through the router (API, git, console), certificates come by ACME, and credentials over plain HTTP are refused. Set by `npm start -- --public DOMAIN --email ADDRESS`.',
    ),
  SHIPLOG_ACME_EMAIL: z
    .email()
    .optional()
    .describe('Address that the certificate authority writes to. Needed on a public platform.'),
  SHIPLOG_ACME_DIRECTORY: z
    .url({ protocol: /^https$/ })
    .default('https://acme-v02.api.letsencrypt.org/directory')
    .describe(
      'ACME directory of the certificate authority. One with a root of its own is trusted by NODE_EXTRA_CA_CERTS=FILE.',
    ),
  SHIPLOG_ACME_DNS_HOOK: z
    .string()
    .startsWith('/', 'an absolute path')
    .optional()
    .describe(
      'Program that sets and removes DNS records (docs/https.md): a public platform then gets one certificate for *.SHIPLOG_DOMAIN. Default: none; each host gets its own, by HTTP-01.',
    ),
  SHIPLOG_ACME_EAB_KEY_ID: z
    .string()
    .optional()
    .describe('Key id of the external account that the authority wants the account bound to.'),
  SHIPLOG_ACME_EAB_KEY_FILE: z
    .string()
    .optional()
    .describe('File with the HMAC key of that external account, in base64url.'),
};

export interface AcmeConfig {
  readonly directory: string;
  readonly email: string;
  readonly dnsHook: string | undefined;
  readonly externalAccount: { readonly keyId: string; readonly keyFile: string } | undefined;
}

export interface PublicConfig {
  readonly routerPort: number;
  /** Where the router listens; absent: at `bind`. */
  readonly routerBind?: string;
  /** Absent: no HTTPS. */
  readonly tlsPort?: number;
  /** Only on a public platform. */
  readonly acme?: AcmeConfig;
}

type Environment = z.infer<z.ZodObject<typeof publicEnvironment>>;

/** What is missing or does not fit together, as `VARIABLE: what would be right`. */
export const publicFaults = (e: Environment & { readonly SHIPLOG_DOMAIN: string }): string[] => {
  const faults: string[] = [];
  if (e.SHIPLOG_PUBLIC === 'yes') {
    if (e.SHIPLOG_ACME_EMAIL === undefined)
      faults.push('SHIPLOG_ACME_EMAIL: a public platform needs the address of its operator');
    if (
      !e.SHIPLOG_DOMAIN.includes('.') ||
      /(?:^|\.)(?:localhost|local|internal)$/.test(e.SHIPLOG_DOMAIN)
    )
      faults.push(
        `SHIPLOG_DOMAIN: "${e.SHIPLOG_DOMAIN}" is no name of the public DNS; expected one such as paas.example.com`,
      );
  }
  if ((e.SHIPLOG_ACME_EAB_KEY_ID === undefined) !== (e.SHIPLOG_ACME_EAB_KEY_FILE === undefined))
    faults.push(
      'SHIPLOG_ACME_EAB_KEY_ID and SHIPLOG_ACME_EAB_KEY_FILE: give both of them, or none',
    );
  return faults;
};

export const publicConfigOf = (e: Environment): PublicConfig => {
  const isPublic = e.SHIPLOG_PUBLIC === 'yes';
  const bind = e.SHIPLOG_ROUTER_BIND ?? (isPublic ? '0.0.0.0' : undefined);
  const tlsPort = e.SHIPLOG_TLS_PORT ?? (isPublic ? 443 : undefined);
  return {
    routerPort: e.SHIPLOG_ROUTER_PORT ?? (isPublic ? 80 : 8080),
    ...(bind !== undefined && { routerBind: bind }),
    ...(tlsPort !== undefined && { tlsPort }),
    ...(isPublic && { acme: acmeOf(e) }),
  };
};

const acmeOf = (e: Environment): AcmeConfig => {
  const { SHIPLOG_ACME_EAB_KEY_ID: keyId, SHIPLOG_ACME_EAB_KEY_FILE: keyFile } = e;
  return {
    directory: e.SHIPLOG_ACME_DIRECTORY,
    email: e.SHIPLOG_ACME_EMAIL ?? '',
    dnsHook: e.SHIPLOG_ACME_DNS_HOOK,
    externalAccount: keyId === undefined || keyFile === undefined ? undefined : { keyId, keyFile },
  };
};

/** `host:port`, without a port that everybody takes for granted. */
const authority = (host: string, port: number, usual: number): string =>
  port === usual ? host : `${host}:${port}`;

/** Where people reach a host of this platform. `isSecure`: it has a certificate. */
export const urlOf = (
  host: string,
  { routerPort, tlsPort }: PublicConfig,
  isSecure: boolean,
): string =>
  isSecure && tlsPort !== undefined
    ? `https://${authority(host, tlsPort, 443)}`
    : `http://${authority(host, routerPort, 80)}`;
