import { describe, expect, it } from 'vitest';
import type { RolloutStrategy } from '@shiplog/events';
import type { KnownInstance } from '@shiplog/domain';
import { app, fresh, input, instance, NOW_MS, target, type Given } from '../testing/plan-input.js';
import { plan } from './plan.js';
import type { Measured } from './judge.js';
import type { WantedRollout } from './desired.js';

/** What a plan does to a rollout and to which instances there are, in few words. */
const words = (given: Given): string[] =>
  plan(input(given)).actions.flatMap((action): string[] => {
    switch (action.type) {
      case 'schedule':
        return [`schedule ${action.count} g${action.generation}`];
      case 'retire':
        return [`retire ${action.instanceId}`];
      case 'step-rollout':
        return [`step ${action.step}: ${action.percent}%`];
      case 'fail-rollout':
        return [`fail: ${action.failure.kind}`];
      case 'cancel-rollout':
      case 'complete-rollout':
        return [action.type];
      default:
        return [];
    }
  });

const olds = (n: number): KnownInstance[] =>
  Array.from({ length: n }, (_, i) => instance(`o${i + 1}`));
const news = (n: number): KnownInstance[] =>
  Array.from({ length: n }, (_, i) => fresh(`n${i + 1}`));
const given = (
  strategy: RolloutStrategy,
  instances: readonly KnownInstance[],
  more: Partial<WantedRollout> = {},
  wanted = 4,
): Given => ({
  app: app({
    live: { generation: 2, version: 2, wanted: { web: wanted } },
    target: { ...target({ strategy, ...more }), wanted: { web: wanted } },
    instances,
  }),
});
const agoMs = (seconds: number): number => NOW_MS - seconds * 1000;

describe('rolling by batch', () => {
  const rolling: RolloutStrategy = { kind: 'rolling', batch: '25%', pauseSeconds: 30 };

  it('makes one batch', () => {
    expect(words(given(rolling, olds(4)))).toEqual(['schedule 1 g3']);
  });
  it('rests when it serves, and says so', () => {
    expect(words(given(rolling, [...olds(4), ...news(1)]))).toEqual(['step 1: 25%', 'retire o1']);
    const resting = given(rolling, [...olds(3), ...news(1)], { step: 1, steppedAtMs: agoMs(29) });
    expect(words(resting)).toEqual([]);
    expect(plan(input(resting)).nextAtMs).toBe(NOW_MS + 1000);
  });
  it('goes on after its rest, or when it is promoted', () => {
    const at = { step: 1, steppedAtMs: agoMs(30) };
    expect(words(given(rolling, [...olds(3), ...news(1)], at))).toEqual(['schedule 1 g3']);
    const promoted = { step: 1, steppedAtMs: agoMs(0), promotedTo: 2 };
    expect(words(given(rolling, [...olds(3), ...news(1)], promoted))).toEqual(['schedule 1 g3']);
  });
  it('rests no more after the last batch', () => {
    const last = given(rolling, [...olds(1), ...news(4)], { step: 3, steppedAtMs: agoMs(60) });
    expect(words(last)).toEqual(['retire o1']);
    expect(words(given(rolling, news(4), { step: 3, steppedAtMs: agoMs(60) }))).toEqual([
      'complete-rollout',
    ]);
  });
  it('fills up at once what is missing, resting or not', () => {
    const resting = { step: 1, steppedAtMs: agoMs(0) };
    expect(words(given(rolling, [...olds(1), ...news(1)], resting))).toEqual(['schedule 2 g3']);
    expect(words(given(rolling, []))).toEqual(['schedule 4 g3']);
  });
});

describe('blue-green', () => {
  const strategy: RolloutStrategy = { kind: 'blue-green', retainSeconds: 60 };
  const waiting = { n1: 0, n2: 0, n3: 0, n4: 0 };
  const switched = { o1: 0, o2: 0, o3: 0, o4: 0 };

  it('makes all of them beside the old ones', () => {
    expect(words(given(strategy, olds(4)))).toEqual(['schedule 4 g3']);
  });
  it('switches only when all are there', () => {
    expect(words({ ...given(strategy, [...olds(4), ...news(3)]), weights: waiting })).toEqual([
      'schedule 1 g3',
    ]);
    expect(words({ ...given(strategy, [...olds(4), ...news(4)]), weights: waiting })).toEqual([
      'step 1: 100%',
    ]);
  });
  it('keeps the old ones for a while, in full number', () => {
    const at = { step: 1, steppedAtMs: agoMs(59) };
    const kept = { ...given(strategy, [...olds(4), ...news(4)], at), weights: switched };
    expect(words(kept)).toEqual([]);
    expect(plan(input(kept)).nextAtMs).toBe(NOW_MS + 1000);
    expect(words({ ...given(strategy, [...olds(3), ...news(4)], at), weights: switched })).toEqual([
      'schedule 1 g2',
    ]);
  });
  it('lets them go then, or when it is promoted, but not before every router has switched', () => {
    const both = [...olds(4), ...news(4)];
    const over = { step: 1, steppedAtMs: agoMs(60) };
    const all = ['retire o1', 'retire o2', 'retire o3', 'retire o4'];
    expect(words({ ...given(strategy, both, over), weights: switched })).toEqual(all);
    expect(words({ ...given(strategy, both, over), weights: waiting })).toEqual([]);
    const promoted = { step: 1, steppedAtMs: agoMs(1), promotedTo: 1000 };
    expect(words({ ...given(strategy, both, promoted), weights: switched })).toEqual(all);
  });
  it('goes back at once: what was kept serves, what was new goes', () => {
    const back: Given = {
      app: app({
        live: { generation: 2, version: 2, wanted: { web: 2 } },
        endedGenerations: [3],
        instances: [...olds(2), ...news(2)],
      }),
      weights: { n1: 0, n2: 0 },
    };
    expect(words(back)).toEqual(['retire n1', 'retire n2']);
    // Not before the old ones have their requests again.
    expect(words({ ...back, weights: { o1: 0, o2: 0 } })).toEqual([]);
  });
  it('has no steps where nothing serves yet', () => {
    const first: Given = {
      app: app({ live: null, target: target({ strategy }), instances: news(2) }),
    };
    expect(words(first)).toEqual(['complete-rollout']);
  });
});

describe('a canary', () => {
  const strategy: RolloutStrategy = {
    kind: 'canary',
    steps: [5, 50],
    stepSeconds: 60,
    promote: 'auto',
    requests: 100,
    errorPoints: 1,
    latencyPercent: null,
  };
  const figures = (requests: number, errors: number): Measured => ({
    fresh: { requests, errors, meanMs: 5, uncertainMs: 1 },
    old: { requests: 2000, errors: 0, meanMs: 5, uncertainMs: 1 },
  });
  const atStep = (step: number, seconds: number, more: Partial<WantedRollout> = {}) => ({
    step,
    steppedAtMs: agoMs(seconds),
    ...more,
  });
  const both = [...olds(4), ...news(1)];

  it('makes as many as its share needs, and none of the old ones goes', () => {
    expect(words(given(strategy, olds(4)))).toEqual(['schedule 1 g3']);
    expect(words({ ...given(strategy, both), weights: { n1: 0 } })).toEqual(['step 1: 5%']);
  });
  it('of certain requests has one instance for them, and goes on by their figures', () => {
    const some: RolloutStrategy = { ...strategy, steps: [0, 50], match: 'header:x-canary=yes' };
    expect(words(given(some, olds(4)))).toEqual(['schedule 1 g3']);
    expect(words({ ...given(some, both), weights: { n1: 0 } })).toEqual(['step 1: 0%']);
    expect(words(given(some, both, atStep(1, 60)))).toEqual([]);
    const measured = figures(100, 0);
    expect(words({ ...given(some, both, atStep(1, 60)), measured })).toEqual(['schedule 1 g3']);
    const worse = { measured: figures(100, 10) };
    expect(words({ ...given(some, both, atStep(1, 5)), ...worse })).toEqual(['fail: worse']);
  });
  it('takes its time, and then its figures', () => {
    const measured = figures(100, 0);
    expect(words({ ...given(strategy, both, atStep(1, 59)), measured })).toEqual([]);
    expect(words({ ...given(strategy, both, atStep(1, 60)), measured })).toEqual(['schedule 1 g3']);
    const two = [...olds(4), ...news(2)];
    expect(words({ ...given(strategy, two, atStep(1, 60)), measured })).toEqual(['step 2: 50%']);
  });
  it('concludes nothing from too few requests, and ends at its deadline', () => {
    const measured = figures(99, 99);
    expect(words({ ...given(strategy, both, atStep(1, 3600)), measured })).toEqual([]);
    expect(words(given(strategy, both, atStep(1, 3600)))).toEqual([]);
    const late = given(strategy, both, { ...atStep(1, 3600), deadlineMs: NOW_MS });
    expect(words(late)).toEqual(['fail: undecided']);
  });
  it('goes back as soon as it is known to be worse', () => {
    const measured = figures(100, 10);
    expect(words({ ...given(strategy, both, atStep(1, 5)), measured })).toEqual(['fail: worse']);
  });
  it('goes on without a verdict when somebody promotes it', () => {
    const measured = figures(100, 10);
    const promoted = atStep(1, 5, { promotedTo: 2 });
    expect(words({ ...given(strategy, both, promoted), measured })).toEqual(['schedule 1 g3']);
    const manual = { ...strategy, promote: 'manual' } as const;
    expect(words({ ...given(manual, both, atStep(1, 900)), measured })).toEqual([]);
  });
  it('lets the old ones go when all requests go to the new ones', () => {
    const all = [...olds(4), ...news(4)];
    const last = { ...given(strategy, all, atStep(3, 0)) };
    expect(words({ ...last, weights: { o1: 0, o2: 0, o3: 0, o4: 0 } })).toEqual([
      'retire o1',
      'retire o2',
      'retire o3',
      'retire o4',
    ]);
  });
  it('keeps what serves in full number when the app is scaled', () => {
    expect(words(given(strategy, both, atStep(1, 5), 6))).toEqual(['schedule 2 g2']);
    expect(words(given(strategy, both, atStep(1, 5), 3))).toEqual(['retire o4']);
  });
});

describe('a rollout that a newer one took over from', () => {
  it('is complete when all requests went to it, and cancelled else', () => {
    const taken = (hasSwitched: boolean) =>
      words({
        app: app({
          target: target(),
          strayRollouts: [{ rolloutId: 'a1-g1', hasSwitched }],
          instances: olds(2),
        }),
      });
    expect(taken(true)).toEqual(['complete-rollout']);
    expect(taken(false)).toEqual(['cancel-rollout']);
  });
});
