import { defineProjection } from '../projection.js';

const ITEMS_KEPT = 1_000;

/** How many things were collected so far, in all. */
interface Collected {
  readonly count: number;
}

/** The newest things that were collected: a ring, so that the oldest one makes room for the next. */
export const garbageProjection = defineProjection<'garbage', 'GarbageCollected', Collected>({
  model: 'garbage',
  version: 1,
  events: ['GarbageCollected'],
  indexed: ['appId'],
  needs: () => ({ memories: ['collected'] }),
  evolve: (rows, { data: { nodeId, items } }, at) => {
    const before = rows.memory('collected')?.count ?? 0;
    items.forEach((item, i) => {
      const slot = ((before + i) % ITEMS_KEPT).toString().padStart(4, '0');
      rows.replace(slot, { ...item, nodeId, collectedAt: at.time });
    });
    rows.remember('collected', { count: before + items.length });
  },
  columns: ({ appId }) => ({ appId }),
});

export const garbagePolicyProjection = defineProjection({
  model: 'garbage-policies',
  version: 1,
  events: ['GarbagePolicyChanged'],
  indexed: [],
  needs: ({ data: { nodeId } }) => ({ documents: [nodeId] }),
  evolve: (rows, { data }, at) =>
    rows.put(data.nodeId, { ...data, changedAt: at.time, changedBy: at.by }),
  columns: () => ({}),
});
