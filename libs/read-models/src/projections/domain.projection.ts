import { PLAIN_USE, type DomainProof } from '@shiplog/domain';
import type { DomainDocument } from '../documents.js';
import { defineProjection, type EventNamed } from '../projection.js';

export const domainProjection = defineProjection({
  model: 'domains',
  version: 3,
  events: [
    'DomainReserved',
    'DomainProofDemanded',
    'DomainLookedUp',
    'DomainReleased',
    'DomainAdded',
    'DomainUseChanged',
    'DomainRemoved',
  ],
  indexed: ['appId', 'teamId'],
  needs: ({ data: { host } }) => ({ documents: [host] }),
  evolve: (rows, event, at) => {
    const { host, appId } = event.data;
    const domain = rows.document(host);
    const own = domain?.appId === appId ? domain : undefined;
    const putOwn = (change: (now: DomainDocument) => Partial<DomainDocument>): void => {
      if (own !== undefined) rows.put(host, { ...own, ...change(own) });
    };
    switch (event.type) {
      case 'DomainReserved': {
        const { teamId } = event.data;
        const added = { addedAt: at.time, addedBy: at.by };
        return rows.replace(host, {
          host,
          appId,
          teamId,
          status: 'reserved',
          use: PLAIN_USE,
          proof: null,
          ...added,
        });
      }
      case 'DomainAdded': {
        if (domain !== undefined && own === undefined) return;
        const added = { addedAt: at.time, addedBy: at.by };
        return rows.put(host, {
          host,
          appId,
          teamId: own?.teamId ?? null,
          status: 'active',
          use: event.data.use,
          proof: own?.proof ?? null,
          ...added,
        });
      }
      case 'DomainProofDemanded':
      case 'DomainLookedUp':
        return putOwn((now) => ({ proof: proofAfter(now.proof, event) }));
      case 'DomainUseChanged':
        return putOwn(() => ({ use: event.data.use }));
      case 'DomainRemoved':
        return putOwn(() => ({ status: 'reserved' }));
      case 'DomainReleased':
        if (own !== undefined) rows.remove(host);
    }
  },
  columns: ({ appId, teamId, status }) => ({ appId, teamId, status }),
});

type ProofEvent = EventNamed<'DomainProofDemanded' | 'DomainLookedUp'>;

/** As the domain itself has it: proven once, it stays so. */
const proofAfter = (before: DomainProof | null, event: ProofEvent): DomainProof | null => {
  if (event.type === 'DomainProofDemanded') {
    const { since, until } = event.data;
    return { status: 'pending', since, until, lastLook: null };
  }
  if (before === null) return null;
  const { outcome, reason, at } = event.data;
  const status = before.status === 'verified' ? 'verified' : outcome;
  return { ...before, status, lastLook: { outcome, reason, at } };
};
