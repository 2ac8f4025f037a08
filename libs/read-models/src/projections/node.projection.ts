import { defineProjection } from '../projection.js';

export const nodeProjection = defineProjection({
  model: 'nodes',
  version: 1,
  events: ['NodeObserved'],
  indexed: [],
  needs: ({ data: { nodeId } }) => ({ documents: [nodeId] }),
  evolve: (rows, { data }, at) => {
    const firstSeenAt = rows.document(data.nodeId)?.firstSeenAt ?? at.time;
    rows.put(data.nodeId, { ...data, firstSeenAt, observedAt: at.time });
  },
  columns: () => ({}),
});
