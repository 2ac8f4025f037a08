import { X509Certificate } from 'node:crypto';
import type { World } from '@shiplog/domain';
import type { StoredCertificate } from '@shiplog/secrets';
import {
  desiredTls,
  planTls,
  servedCertificates,
  type DesiredTls,
  type LoadedCertificate,
} from './plan.js';
import type { Terminator } from './terminator.port.js';

export interface TlsDependencies {
  readonly world: World;
  readonly terminator: Terminator;
  /** The host of the platform itself. */
  readonly platform: string;
  /** Hosts that are routed, with their apps. */
  readonly hosts: () => ReadonlyMap<string, string>;
  readonly load: (fingerprint: string) => Promise<StoredCertificate | undefined>;
  /** Fingerprint by domain. */
  readonly record: (served: Readonly<Record<string, string>>) => Promise<void>;
  /** What could not be loaded: its domain goes on with what it has. */
  readonly onMissing: (domain: string, error: unknown) => void;
}

/** One round: certificates and policies of the log are those of the proxy, read back and recorded. */
export const tlsReconciler = (deps: TlsDependencies): (() => Promise<void>) => {
  const cache = new Map<string, LoadedCertificate>();
  return async () => {
    const desired = wantedTls(deps);
    const loaded = await loadAll(desired, deps, cache);
    const before = await deps.terminator.observe();
    const actions = planTls(desired, loaded, before);
    await deps.terminator.apply(actions);
    const after = actions.length === 0 ? before : await deps.terminator.observe();
    await deps.record(servedCertificates(loaded, after));
  };
};

const wantedTls = ({ world, platform, hosts }: TlsDependencies): DesiredTls => {
  const known = [...world.all('certificate')].flatMap((state) =>
    state.status === 'known' && state.certificate !== null
      ? [[state.domain, state.certificate] as const]
      : [],
  );
  const policyOf = (appId: string) => world.get('https', appId).state;
  return desiredTls({ platform, hosts: hosts(), certificates: new Map(known), policyOf });
};

/** Read once: what a fingerprint names never changes. What is not wanted any more is forgotten. */
const loadAll = async (
  { certificates }: DesiredTls,
  { load, onMissing }: TlsDependencies,
  cache: Map<string, LoadedCertificate>,
): Promise<ReadonlyMap<string, LoadedCertificate>> => {
  for (const domain of cache.keys()) if (!certificates.has(domain)) cache.delete(domain);
  for (const [domain, { fingerprint }] of certificates) {
    if (cache.get(domain)?.fingerprint === fingerprint) continue;
    cache.delete(domain);
    try {
      const stored = await load(fingerprint);
      if (stored === undefined) throw new Error('its file is not in the key store');
      const pem = `${stored.chain.trimEnd()}\n${stored.privateKey.trimEnd()}\n`;
      const sha1 = new X509Certificate(stored.chain).fingerprint.replaceAll(':', '');
      cache.set(domain, { domain, fingerprint, sha1, pem });
    } catch (error) {
      onMissing(domain, error);
    }
  }
  return cache;
};
