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
        const now = changed(router.routed, [...unrouted, ...drained], routed);
        return rows.put(routerId, { ...router, position, routed: now, updatedAt: at.time });
      }
      case 'RouterRemoved':
        if (router === undefined) return;
        rows.put(routerId, { ...router, status: 'removed', routed: [], updatedAt: at.time });
    }
  },
  columns: ({ status }) => ({ status }),
});

/** A sorted list without some and with others: nothing is sorted, since few change and many stay. */
const changed = (
  sorted: readonly string[],
  gone: readonly string[],
  added: readonly string[],
): readonly string[] => {
  const now = [...sorted];
  for (const id of gone) {
    const place = placeOf(now, id);
    if (now[place] === id) now.splice(place, 1);
  }
  for (const id of added) {
    const place = placeOf(now, id);
    if (now[place] !== id) now.splice(place, 0, id);
  }
  return now;
};

/** Where it is, or would have to be, by binary search. */
const placeOf = (sorted: readonly string[], id: string): number => {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle] ?? '') < id) from = middle + 1;
    else to = middle;
  }
  return from;
};
