import { describe, expect, it } from 'vitest';
import type { AppEvent, Maintenance } from '@shiplog/events';
import { app } from './index.js';

const created: AppEvent = {
  type: 'AppCreated',
  v: 1,
  data: { appId: 'a1', name: 'shop', teamId: 't1' },
};
const maintenance: Maintenance = {
  by: { kind: 'user', id: 'u1', name: 'ada' },
  why: 'the database moves',
  since: '2026-11-26T10:00:00.000Z',
  page: '<h1>back soon</h1>',
  allow: ['10.0.0.0/8'],
};
const changed = (to: Maintenance | null): AppEvent => ({
  type: 'MaintenanceChanged',
  v: 1,
  data: { appId: 'a1', maintenance: to },
});
const eventsOf = (command: Parameters<typeof app.decide>[0], ...before: AppEvent[]) => {
  const decision = app.decide(command, before.reduce(app.evolve, app.initialState));
  return decision.outcome === 'accepted' ? decision.events : decision.rejection.code;
};
const begin = { type: 'BeginMaintenance', ...maintenance } as const;
const end = { type: 'EndMaintenance' } as const;

describe('the maintenance of an app', () => {
  it('begins and ends', () => {
    expect(eventsOf(begin, created)).toEqual([changed(maintenance)]);
    expect(eventsOf(end, created, changed(maintenance))).toEqual([changed(null)]);
    expect(eventsOf(begin, created, changed(maintenance), changed(null))).toHaveLength(1);
  });

  it('is not written down again where nothing changes', () => {
    const later = { ...begin, since: '2026-11-26T11:00:00.000Z' };
    expect(eventsOf(later, created, changed(maintenance))).toEqual([]);
    expect(eventsOf(end, created)).toEqual([]);
  });

  it('changes with its page, its reason or who may pass', () => {
    for (const change of [{ page: null }, { why: null }, { allow: [] }]) {
      expect(eventsOf({ ...begin, ...change }, created, changed(maintenance))).toEqual([
        changed({ ...maintenance, ...change }),
      ]);
    }
  });

  it('is none of an app that is not', () => {
    expect(eventsOf(begin)).toBe('app-not-found');
  });
});
