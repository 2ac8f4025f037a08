import type { RolloutStrategy } from '@shiplog/events';
import {
  batchesOf,
  batchOf,
  isWeighted,
  ROLLOUT_STEPS_MAX,
  countAt,
  sharesOf,
  waitsSecondsOf,
} from './strategy.js';

type Counts = Readonly<Record<string, number>>;

/** One step that a rollout would take. */
export interface ForecastStep {
  /** New instances by then. */
  readonly instances: Counts;
  /** Of the requests that go to them, where routers divide them; else of the instances. */
  readonly percent: number;
  /** How long it would rest there on purpose. */
  readonly waitsSeconds: number;
}

export interface Forecast {
  readonly strategy: RolloutStrategy['kind'];
  readonly steps: readonly ForecastStep[];
  /** Instances of each process type at one time, old and new. */
  readonly atMost: Counts;
  readonly waitsSeconds: number;
}

/** What a rollout would do if it began now. `serves`: is there a release whose place it takes? */
export const forecastRollout = (
  strategy: RolloutStrategy,
  wanted: Counts,
  serves: boolean,
): Forecast => {
  const { kind } = strategy;
  if (!serves) {
    const steps = [{ instances: wanted, percent: 100, waitsSeconds: 0 }];
    return { strategy: kind, steps, atMost: wanted, waitsSeconds: 0 };
  }
  const steps = isWeighted(strategy) ? shareSteps(strategy, wanted) : batchSteps(strategy, wanted);
  const extra = (n: number): number =>
    strategy.kind === 'rolling' ? Math.min(n, batchOf(strategy.batch, n)) : n;
  return {
    strategy: kind,
    steps,
    atMost: mapCounts(wanted, (n) => n + extra(n)),
    waitsSeconds: waitsSecondsOf(strategy, wanted),
  };
};

const batchSteps = (strategy: RolloutStrategy, wanted: Counts): ForecastStep[] => {
  const { batch, pauseSeconds } =
    strategy.kind === 'rolling' ? strategy : { batch: '100%', pauseSeconds: 0 };
  const count = Math.min(batchesOf(batch, wanted), ROLLOUT_STEPS_MAX);
  const sum = (counts: Counts): number => Object.values(counts).reduce((a, b) => a + b, 0);
  return Array.from({ length: count }, (_, i) => {
    const instances = mapCounts(wanted, (n) => Math.min(n, batchOf(batch, n) * (i + 1)));
    return {
      instances,
      percent: Math.round((100 * sum(instances)) / Math.max(1, sum(wanted))),
      waitsSeconds: i === count - 1 ? 0 : pauseSeconds,
    };
  });
};

const shareSteps = (strategy: RolloutStrategy, wanted: Counts): ForecastStep[] => {
  const shares = sharesOf(strategy);
  return shares.map((percent, i) => ({
    instances: mapCounts(wanted, (n) => countAt(strategy, percent, n)),
    percent,
    waitsSeconds: waitAt(strategy, i === shares.length - 1),
  }));
};

const waitAt = (strategy: RolloutStrategy, isLast: boolean): number => {
  if (strategy.kind === 'canary') return isLast ? 0 : strategy.stepSeconds;
  return strategy.kind === 'blue-green' ? strategy.retainSeconds : 0;
};

const mapCounts = (counts: Counts, map: (count: number) => number): Counts =>
  Object.fromEntries(Object.entries(counts).map(([type, count]) => [type, map(count)]));
