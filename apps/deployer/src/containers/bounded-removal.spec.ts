import { describe, expect, it } from 'vitest';
import { app, instance } from '../testing/plan-input.js';
import { boundRemoval } from './bounded-removal.js';
import type { Action } from './actions.js';

const many = Array.from({ length: 20 }, (_, i) => instance(`i${i}`));
const retireAll = (reason: Extract<Action, { type: 'retire' }>['reason'], count = 20): Action[] =>
  many
    .slice(0, count)
    .map(({ instanceId }) => ({ type: 'retire', appId: 'a1', instanceId, reason }));

describe('the bound on removals', () => {
  it('lets go what the log explains', () => {
    const stopped = app({ status: 'stopped', instances: many });
    expect(boundRemoval([{ app: stopped, actions: retireAll('stopped') }], 20).refused).toEqual([]);
  });
  it('refuses to empty the platform on a view that does not know the app', () => {
    const unknown = app({ status: 'unknown', live: null, instances: many });
    const planned = [{ app: unknown, actions: retireAll('destroyed') }];
    const { allowed, refused } = boundRemoval(planned, 20);
    expect(allowed).toEqual([]);
    expect(refused).toHaveLength(20);
  });
  it('does not stand in the way of a few', () => {
    const few = [{ app: app({ instances: many }), actions: retireAll('stopped', 10) }];
    expect(boundRemoval(few, 20).allowed).toHaveLength(10);
  });
  it('keeps every other action', () => {
    const create: Action = { type: 'create', appId: 'a1', instanceId: 'new' };
    const actions = [...retireAll('stopped'), create];
    expect(boundRemoval([{ app: app({ instances: many }), actions }], 20).allowed).toEqual([
      create,
    ]);
  });
});
