import { defineProjection } from '../projection.js';

export const userProjection = defineProjection({
  model: 'users',
  version: 1,
  events: ['UserCreated'],
  indexed: [],
  needs: ({ data: { userId } }) => ({ documents: [userId] }),
  evolve: (rows, { data: { userId, name, administrator } }, at) =>
    rows.put(userId, { userId, name, administrator, createdAt: at.time }),
  columns: ({ userId, name }) => ({ userId, name }),
});

export const teamProjection = defineProjection({
  model: 'teams',
  version: 1,
  events: ['TeamCreated', 'TeamMemberAdded'],
  indexed: [],
  needs: ({ data: { teamId } }) => ({ documents: [teamId] }),
  evolve: (rows, event, at) => {
    const { teamId } = event.data;
    const team = rows.document(teamId);
    if (event.type === 'TeamCreated') {
      rows.put(teamId, { teamId, name: event.data.name, members: [], createdAt: at.time });
    } else if (team !== undefined) {
      rows.put(teamId, { ...team, members: [...team.members, event.data.userId] });
    }
  },
  columns: ({ teamId }) => ({ teamId }),
});
