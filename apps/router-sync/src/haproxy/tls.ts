import { ACME_PATH, type PlatformHost } from '../tls/platform-host.js';
import { FILES } from './file-names.js';
import { failureRules } from './pages.js';

/** HTTPS, and what the platform itself answers at. All of it is of the operator or made here. */
export interface HaproxyTls {
  readonly port: number;
  /** Path of the list of certificates, of plain form. */
  readonly list: string;
}

export const PLATFORM_BACKEND = 'platform';

export const tlsBindLines = (address: string, tls: HaproxyTls | undefined): string[] =>
  tls === undefined
    ? []
    : [
        // Without a certificate for the host there is no handshake: nobody gets that of somebody else.
        `bind ${address}:${tls.port} ssl crt-list ${tls.list} strict-sni alpn h2,http/1.1 ssl-min-ver TLSv1.2`,
      ];

/** After the backend was found by its host. */
export const platformLines = (platform: PlatformHost | undefined): string[] =>
  platform === undefined
    ? []
    : [
        `http-request set-var(txn.backend) str(${PLATFORM_BACKEND}) if { var(txn.host) -m str ${platform.domain} }`,
        '# Whatever the host: the authority asks here whether it is ours.',
        `http-request set-var(txn.backend) str(${PLATFORM_BACKEND}) if { path_beg ${ACME_PATH} }`,
        // Redirects and paths of a domain are none of these.
        `http-request unset-var(txn.domain) if { var(txn.backend) -m str ${PLATFORM_BACKEND} }`,
      ];

/**
 * By which host it is told whether a request has to come by HTTPS. What came by a wildcard domain has the policy of the
 * certificate that serves it: of one label more, and no host's own.
 */
export const securedLines = (tls: HaproxyTls | undefined): string[] =>
  tls === undefined ? [] : ['http-request set-var(txn.secured) var(txn.host)'];

/** As a condition. */
export const IS_REDIRECTED = `{ var(txn.secured),map_str(${FILES.redirects}) -m found }`;

/** Only hosts that have a certificate are in the maps. 308 keeps method and body. */
export const redirectLines = (tls: HaproxyTls | undefined): string[] =>
  tls === undefined
    ? []
    : [
        'http-request set-var-fmt(txn.secured) "*.%[var(txn.host),field(2,.,0)]" if { var(txn.below) -m found }',
        `http-request redirect prefix https://%[var(txn.host)]${tls.port === 443 ? '' : `:${tls.port}`} code 308 if !{ ssl_fc } ${IS_REDIRECTED} !{ var(txn.backend) -m str ${PLATFORM_BACKEND} }`,
      ];

export const hstsLines = (tls: HaproxyTls | undefined): string[] =>
  tls === undefined
    ? []
    : [
        `http-after-response set-header Strict-Transport-Security max-age=%[var(txn.secured),map_str(${FILES.hsts})] if { ssl_fc } { var(txn.secured),map_str(${FILES.hsts}) -m found }`,
      ];

export const forwardedProto = (tls: HaproxyTls | undefined): string =>
  tls === undefined ? 'http' : '%[ssl_fc,iif(https,http)]';

const API_SECONDS = 3_600;

/** The api speaks for itself: its streams are silent for long, and a push takes what it takes. */
export const platformBackendLines = ({ apiPort }: PlatformHost): string[] => [
  `timeout server ${API_SECONDS}s`,
  ...failureRules(API_SECONDS),
  `server api 127.0.0.1:${apiPort}`,
];
