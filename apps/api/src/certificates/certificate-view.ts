import { hostOfDomain } from '@shiplog/events';
import { isForsaken, renewAt, type KnownCertificate, type World } from '@shiplog/domain';
import type { ProcessContext } from '@shiplog/runtime';
import { defaultHost } from '../apps/addresses.js';
import type { CertificateView } from './certificates.routes.js';

type Routers = Pick<World, 'routers'>;
type Answering = Pick<World, 'routers' | 'apps'>;

/** What may be told of the certificate of a domain. */
export const certificateView = (
  { world, config }: Pick<ProcessContext, 'config'> & { readonly world: Answering },
  known: KnownCertificate,
  nowMs: number,
): CertificateView => {
  const { domain, certificate, failure } = known;
  const state = stateOf(known, { nowMs, config, world });
  if (certificate === null) return { domain, state, failure, ...NONE };
  const { source, names, issuer, fingerprint, notBefore, notAfter } = certificate;
  const renewal = source === 'acme' ? new Date(renewAt(certificate)).toISOString() : null;
  return {
    ...{ domain, state, source, names, issuer, fingerprint, notBefore, notAfter },
    ...{ renewAt: renewal, failure },
  };
};

const NONE = {
  source: null,
  names: [],
  issuer: null,
  fingerprint: null,
  notBefore: null,
  notAfter: null,
  renewAt: null,
};

const stateOf = (
  { domain, certificate, order }: KnownCertificate,
  { nowMs, config, world }: Pick<ProcessContext, 'config'> & { nowMs: number; world: Answering },
): CertificateView['state'] => {
  if (certificate === null) return order === null ? 'failed' : 'ordered';
  if (Date.parse(certificate.notAfter) <= nowMs) return 'expired';
  if (config.tlsPort === undefined) return 'unserved';
  if (isServed(world, domain, certificate.fingerprint)) return 'served';
  const isAnswered = (host: string): boolean =>
    world
      .apps()
      .some(({ name, domains }) =>
        [defaultHost(name, config), ...domains.map(hostOfDomain)].includes(host),
      );
  const { source } = certificate;
  return isForsaken({ domain, source }, config.domain, isAnswered) ? 'unserved' : 'installing';
};

/** Have all routers confirmed that they serve this one for the domain? */
export const isServed = (world: Routers, domain: string, fingerprint: string): boolean =>
  world.routers().every(({ certificates }) => certificates[domain] === fingerprint);
