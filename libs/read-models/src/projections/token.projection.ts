import { defineProjection } from '../projection.js';

export const tokenProjection = defineProjection({
  model: 'tokens',
  version: 1,
  events: ['TokenCreated', 'TokenRevoked'],
  indexed: ['userId'],
  needs: ({ data: { tokenId } }) => ({ documents: [tokenId] }),
  evolve: (rows, event, at) => {
    const { tokenId } = event.data;
    if (event.type === 'TokenCreated') {
      // The hash stays in the log: nobody has to read it to list tokens.
      const { userId, name, scope, expiresAt } = event.data;
      return rows.put(tokenId, {
        tokenId,
        userId,
        name,
        scope,
        status: 'active',
        expiresAt,
        createdAt: at.time,
        createdBy: at.by,
        revokedAt: null,
        revokedBy: null,
      });
    }
    const token = rows.document(tokenId);
    if (token === undefined) return;
    rows.put(tokenId, { ...token, status: 'revoked', revokedAt: at.time, revokedBy: at.by });
  },
  columns: ({ userId, status }) => ({ userId, status }),
});
