import type { DomainProof } from '@shiplog/domain';
import type { DomainUse } from '@shiplog/events';
import type { PlatformConfig } from '@shiplog/runtime';
import { urlOfHost } from '../apps/addresses.js';
import { domainShown } from './international.js';
import type { Ownership } from './ownership.js';

/** Domains as the API shows them. */
export class DomainView {
  constructor(
    private readonly config: Pick<PlatformConfig, 'domain' | 'routerPort' | 'apiPort'>,
    private readonly records: Pick<Ownership, 'recordOf'>,
  ) {}

  of(host: string, use: DomainUse) {
    return {
      host,
      unicode: domainShown(host),
      url: urlOfHost(host, this.config),
      strip: use.kind === 'serve' && use.strip,
      redirect: use.kind === 'redirect' ? { to: use.to, status: use.status } : null,
    };
  }

  ownership(host: string, teamId: string, proof: DomainProof | null) {
    if (proof === null) {
      const nothing = { record: null, until: null, lookedAt: null, reason: null };
      return { status: 'not-demanded', ...nothing } as const;
    }
    const { status, until, lastLook } = proof;
    return {
      status,
      record: this.records.recordOf(host, teamId),
      until: status === 'verified' ? null : until,
      lookedAt: lastLook?.at ?? null,
      reason: lastLook?.reason ?? null,
    };
  }
}
