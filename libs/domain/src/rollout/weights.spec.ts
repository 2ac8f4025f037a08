import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RolloutStrategy } from '@shiplog/events';
import { AT_ONCE, batchesOf, batchOf, waitsSecondsOf } from './index.js';
import { routeWeights, WEIGHT_MAX } from './weights.js';
import type { RolloutState } from './index.js';

type Rollout = Exclude<RolloutState, { status: 'none' }>;

const canary = (...steps: number[]): RolloutStrategy => ({
  kind: 'canary',
  steps,
  stepSeconds: 60,
  promote: 'auto',
  requests: 100,
  errorPoints: 1,
  latencyPercent: null,
});
const blueGreen: RolloutStrategy = { kind: 'blue-green', retainSeconds: 60 };

const rollout = (
  generation: number,
  strategy: RolloutStrategy,
  more: { step?: number; status?: Rollout['status'] } = {},
): Rollout =>
  ({
    status: 'running',
    rolloutId: `a-g${generation}`,
    appId: 'a',
    generation,
    version: generation,
    fromVersion: null,
    deadline: '2026-01-01T00:00:00.000Z',
    steppedAt: null,
    step: 0,
    strategy,
    ...more,
  }) as Rollout;

/** `n` instances of a generation, named after it. */
const instances = (generation: number, n: number) =>
  Array.from({ length: n }, (_, i) => ({ instanceId: `g${generation}-${i}`, generation }));

const shareOf = (weights: ReadonlyMap<string, number>, generation: number): number => {
  const sum = (prefix: string): number =>
    [...weights].reduce((all, [id, weight]) => (id.startsWith(prefix) ? all + weight : all), 0);
  return sum(`g${generation}-`) / sum('g');
};

describe('parts of the requests', () => {
  it('are even while nothing is tried out', () => {
    const all = [...instances(1, 2), ...instances(2, 1)];
    const completed = rollout(1, canary(10), { status: 'completed' });
    for (const rollouts of [[], [completed, rollout(2, AT_ONCE)]]) {
      expect(new Set(routeWeights(all, rollouts).values())).toEqual(new Set([1]));
    }
  });

  it.each([
    ['nothing before the first step', canary(5, 50), 0, 0],
    ['the share of a step', canary(5, 50), 1, 0.05],
    ['the share of the next step', canary(5, 50), 2, 0.5],
    ['all after the last', canary(5, 50), 3, 1],
    ['nothing before a switch', blueGreen, 0, 0],
    ['all after a switch', blueGreen, 1, 1],
  ] as const)('give a new release %s', (_, strategy, step, share) => {
    const all = [...instances(1, 3), ...instances(2, 2)];
    expect(shareOf(routeWeights(all, [rollout(2, strategy, { step })]), 2)).toBeCloseTo(share, 2);
  });

  it('are taken from a release whose trial ended, at once', () => {
    const all = [...instances(1, 2), ...instances(2, 2)];
    for (const status of ['failed', 'cancelled'] as const) {
      expect(shareOf(routeWeights(all, [rollout(2, canary(50), { step: 1, status })]), 2)).toBe(0);
    }
  });

  it('stay with a release that has switched while another one is tried out', () => {
    const all = [...instances(1, 2), ...instances(2, 2), ...instances(3, 1)];
    const rollouts = [rollout(2, blueGreen, { step: 1 }), rollout(3, canary(10), { step: 1 })];
    const weights = routeWeights(all, rollouts);
    expect(shareOf(weights, 1)).toBe(0);
    expect(shareOf(weights, 2)).toBeCloseTo(0.9, 2);
    expect(shareOf(weights, 3)).toBeCloseTo(0.1, 2);
  });

  it('go to whoever there is: better than nobody', () => {
    const alone = routeWeights(instances(2, 2), [rollout(2, blueGreen)]);
    expect([...alone.values()]).toEqual([1, 1]);
    expect(routeWeights([], [rollout(2, blueGreen)]).size).toBe(0);
  });

  it('add up: each share is met within a hundredth, nobody wanted gets nothing, and some get something', () => {
    const some = fc.integer({ min: 1, max: 100 });
    fc.assert(
      fc.property(
        some,
        some,
        fc.integer({ min: 1, max: 99 }),
        fc.nat(2),
        (old, fresh, share, step) => {
          const all = [...instances(1, old), ...instances(2, fresh)];
          const weights = routeWeights(all, [rollout(2, canary(share), { step })]);
          const values = [...weights.values()];
          expect(values.every((w) => Number.isInteger(w) && w >= 0 && w <= WEIGHT_MAX)).toBe(true);
          expect(values.some((w) => w > 0)).toBe(true);
          const wanted = [0, share / 100, 1][step] ?? 1;
          // Where one side's instances are many times more, a whole number cannot be small enough.
          const ratio = (wanted * old) / ((1 - wanted) * fresh);
          if (ratio === 0 || ratio === Infinity || (ratio < 100 && ratio > 1 / 100)) {
            expect(Math.abs(shareOf(weights, 2) - wanted)).toBeLessThan(0.01);
          }
          if (step === 1) expect(values.every((w) => w > 0)).toBe(true);
        },
      ),
    );
  });
});

describe('a batch', () => {
  it('is a number or a share, and never none', () => {
    expect([batchOf('2', 10), batchOf('25%', 10), batchOf('1%', 10), batchOf('100%', 3)]).toEqual([
      2, 3, 1, 3,
    ]);
    expect(batchesOf('25%', { web: 10, worker: 0 })).toBe(4);
    expect(batchesOf('100%', {})).toBe(1);
  });
});

describe('waiting on purpose', () => {
  it.each([
    [{ kind: 'rolling', batch: '1', pauseSeconds: 30 } as const, 90],
    [AT_ONCE, 0],
    [blueGreen, 60],
    [canary(5, 50), 120],
  ])('is known beforehand: %j', (strategy, seconds) => {
    expect(waitsSecondsOf(strategy, { web: 4 })).toBe(seconds);
  });
});
