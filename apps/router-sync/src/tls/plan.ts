import { coversHost, isForsaken } from '@shiplog/domain';
import type { CertificateFacts, HttpsPolicy } from '@shiplog/events';
import type { ActualTls, ServedCertificate, TlsAction } from './terminator.port.js';

/** What the log says should be served over HTTPS. */
export interface DesiredTls {
  /** By domain. */
  readonly certificates: ReadonlyMap<string, Pick<CertificateFacts, 'fingerprint'>>;
  /** By host: of every host of an app that one of them serves. */
  readonly policies: ReadonlyMap<string, HttpsPolicy>;
}

export interface LoadedCertificate extends ServedCertificate {
  /** Of the log: SHA-256. */
  readonly fingerprint: string;
  /** As proxies tell it. */
  readonly sha1: string;
}

interface Wanted {
  /** The host of the platform itself. */
  readonly platform: string;
  /** At which apps answer, with their apps. */
  readonly hosts: ReadonlyMap<string, string>;
  /** Of the log. */
  readonly certificates: ReadonlyMap<string, Pick<CertificateFacts, 'fingerprint' | 'source'>>;
  readonly policyOf: (appId: string) => HttpsPolicy;
}

/**
 * Policies count where a certificate serves the host: nobody is sent to where nothing answers. A wildcard domain
 * has one where a certificate is for that very wildcard. What an authority gave for a host is served while an app answers
 * there.
 */
export const desiredTls = ({
  platform,
  hosts,
  certificates: all,
  policyOf,
}: Wanted): DesiredTls => {
  const certificates = new Map(
    [...all].filter(
      ([domain, { source }]) =>
        !isForsaken({ domain, source }, platform, (host) => hosts.has(host)),
    ),
  );
  const wildcards = [...certificates.keys()].filter((domain) => domain.startsWith('*.'));
  const isServed = (host: string): boolean =>
    certificates.has(host) || wildcards.some((domain) => coversHost(domain, host));
  const policies = [...hosts].flatMap(([host, appId]) =>
    isServed(host) ? [[host, policyOf(appId)] as const] : [],
  );
  return { certificates, policies: new Map(policies) };
};

/**
 * What has to change. A certificate of the log that could not be loaded changes nothing: what is served for
 * its domain goes on. Certificates come before the redirects that lead to them, and go after them.
 */
export const planTls = (
  desired: DesiredTls,
  loaded: ReadonlyMap<string, LoadedCertificate>,
  actual: ActualTls,
): readonly TlsAction[] => {
  const installs = [...loaded.values()]
    .filter(({ domain, sha1 }) => actual.certificates.get(domain) !== sha1)
    .map(({ domain, pem }): TlsAction => ({ kind: 'install', certificate: { domain, pem } }));
  const isWanted = (host: string): boolean => desired.policies.get(host)?.redirect === true;
  const secondsOf = (host: string): number | null =>
    desired.policies.get(host)?.hstsSeconds ?? null;
  const redirects = union(desired.policies.keys(), actual.redirects)
    .filter((host) => isWanted(host) !== actual.redirects.has(host))
    .map((host): TlsAction => ({ kind: 'redirect', host, isOn: isWanted(host) }));
  const hsts = union(desired.policies.keys(), actual.hsts.keys())
    .filter((host) => secondsOf(host) !== (actual.hsts.get(host) ?? null))
    .map((host): TlsAction => ({ kind: 'hsts', host, seconds: secondsOf(host) }));
  const uninstalls = [...actual.certificates.keys()]
    .filter((domain) => !desired.certificates.has(domain))
    .map((domain): TlsAction => ({ kind: 'uninstall', domain }));
  return [...installs, ...redirects, ...hsts, ...uninstalls];
};

/** Fingerprint by domain: what the proxy was seen to serve, in the words of the log. */
export const servedCertificates = (
  loaded: ReadonlyMap<string, LoadedCertificate>,
  actual: ActualTls,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...loaded.values()].flatMap(({ domain, sha1, fingerprint }) =>
      actual.certificates.get(domain) === sha1 ? [[domain, fingerprint]] : [],
    ),
  );

const union = (a: Iterable<string>, b: Iterable<string>): string[] => [...new Set([...a, ...b])];
