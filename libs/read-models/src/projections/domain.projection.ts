import { PLAIN_USE } from '@shiplog/domain';
import { defineProjection } from '../projection.js';

export const domainProjection = defineProjection({
  model: 'domains',
  version: 2,
  events: ['DomainReserved', 'DomainReleased', 'DomainAdded', 'DomainUseChanged', 'DomainRemoved'],
  indexed: ['appId', 'teamId'],
  needs: ({ data: { host } }) => ({ documents: [host] }),
  evolve: (rows, event, at) => {
    const { host, appId } = event.data;
    const domain = rows.document(host);
    const own = domain?.appId === appId ? domain : undefined;
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
          ...added,
        });
      }
      case 'DomainUseChanged':
        if (own !== undefined) rows.put(host, { ...own, use: event.data.use });
        return;
      case 'DomainRemoved':
        if (own !== undefined) rows.put(host, { ...own, status: 'reserved' });
        return;
      case 'DomainReleased':
        if (own !== undefined) rows.remove(host);
    }
  },
  columns: ({ appId, teamId, status }) => ({ appId, teamId, status }),
});
