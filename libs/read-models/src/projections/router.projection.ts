import { START } from '@shiplog/events';
import { defineProjection } from '../projection.js';

export const routerProjection = defineProjection({
  model: 'routers',
  version: 1,
  events: ['RouterStarted', 'RoutesApplied', 'RouterRemoved'],
  indexed: [],
  needs: ({ data: { routerId } }) => ({ documents: [routerId] }),
  evolve: (rows, event, at) => {
    const { routerId } = event.data;
    const router = rows.document(routerId);
    switch (event.type) {
      case 'RouterStarted': {
        // A router that was not removed serves what it served: its proxy outlives its process.
        const serving = router?.status === 'active' ? router : undefined;
        return rows.put(routerId, {
          routerId,
          kind: event.data.kind,
          status: 'active',
          position: serving?.position ?? START,
          routed: serving?.routed ?? [],
          startedAt: at.time,
          updatedAt: at.time,
        });
      }
      case 'RoutesApplied': {
        if (router === undefined) return;
        const { routed, unrouted, drained, position } = event.data;
        const gone = new Set([...unrouted, ...drained]);
        const kept = router.routed.filter((id) => !gone.has(id));
        const now = routed.length === 0 ? kept : [...new Set([...kept, ...routed])].toSorted();
        return rows.put(routerId, { ...router, position, routed: now, updatedAt: at.time });
      }
      case 'RouterRemoved':
        if (router === undefined) return;
        rows.put(routerId, { ...router, status: 'removed', routed: [], updatedAt: at.time });
    }
  },
  columns: ({ status }) => ({ status }),
});
