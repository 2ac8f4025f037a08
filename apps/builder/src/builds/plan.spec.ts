import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DesiredBuild } from './desired-builds.js';
import { planBuilds } from './plan.js';

const desired = (buildId: string, isCancelled = false): DesiredBuild => ({
  job: { buildId, appId: 'a1', source: { kind: 'image', ref: 'x' } },
  isCancelled,
  cause: {},
});
const idle = { running: new Set<string>(), notBefore: new Map<string, number>() };
const limits = { parallel: 2 };
const typesOf = (plan: ReturnType<typeof planBuilds>) =>
  plan.actions.map(({ type, build }) => `${type} ${build.job.buildId}`);

describe('what to do about builds', () => {
  it('starts the oldest ones, as many as there is room for', () => {
    const plan = planBuilds([desired('b1'), desired('b2'), desired('b3')], idle, limits, 0);
    expect(typesOf(plan)).toEqual(['start b1', 'start b2']);
  });

  it('leaves running ones alone', () => {
    const running = { ...idle, running: new Set(['b1']) };
    expect(typesOf(planBuilds([desired('b1')], running, limits, 0))).toEqual([]);
  });

  it('ends what was cancelled, and records the end of what does not run', () => {
    const running = { ...idle, running: new Set(['b1']) };
    const plan = planBuilds([desired('b1', true), desired('b2', true)], running, limits, 0);
    expect(typesOf(plan)).toEqual(['interrupt b1', 'record-cancelled b2']);
  });

  it('waits with what the world got in the way of', () => {
    const waiting = { ...idle, notBefore: new Map([['b1', 700]]) };
    const plan = planBuilds([desired('b1'), desired('b2')], waiting, limits, 200);
    expect(typesOf(plan)).toEqual(['start b2']);
    expect(plan.nextInMs).toBe(500);
    expect(typesOf(planBuilds([desired('b1')], waiting, limits, 700))).toEqual(['start b1']);
  });

  it('never runs more at once than it may, and never the same one twice', () => {
    const ids = fc.uniqueArray(fc.constantFrom<string>('b1', 'b2', 'b3', 'b4', 'b5'));
    fc.assert(
      fc.property(ids, ids, fc.nat(4), (wanted, running, parallel) => {
        const actual = { ...idle, running: new Set(running) };
        const plan = planBuilds(
          wanted.map((id) => desired(id)),
          actual,
          { parallel },
          0,
        );
        const started = plan.actions.map(({ build }) => build.job.buildId);
        expect(started.filter((id) => running.includes(id))).toEqual([]);
        expect(new Set(started).size).toBe(started.length);
        if (started.length > 0)
          expect(started.length + running.length).toBeLessThanOrEqual(parallel);
      }),
    );
  });
});
