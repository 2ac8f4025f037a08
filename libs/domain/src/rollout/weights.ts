import { isWeighted, shareAt } from './strategy.js';
import type { RolloutState } from './index.js';

/** As much as a router tells instances apart: HAProxy takes 0 to 256. */
export const WEIGHT_MAX = 256;

interface Serving {
  readonly instanceId: string;
  readonly generation: number;
}
type Rollout = Exclude<RolloutState, { status: 'none' }>;

/**
 * Which part of an app's requests each serving instance gets, as small whole numbers that relate to each
 * other as wanted. Never all of them 0: an instance that may serve is better than none.
 */
export const routeWeights = (
  serving: readonly Serving[],
  rollouts: readonly Rollout[],
): ReadonlyMap<string, number> => {
  const shares = sharesOfGroups(serving, rollouts);
  const perInstance = new Map(
    [...shares].map(([group, share]) => {
      const count = serving.filter(({ generation }) => groupOf(generation, rollouts) === group);
      return [group, share / count.length] as const;
    }),
  );
  const weights = wholeNumbers([...perInstance.values()]);
  const byGroup = new Map([...perInstance.keys()].map((group, i) => [group, weights[i] ?? 1]));
  return new Map(
    serving.map(({ instanceId, generation }) => [
      instanceId,
      byGroup.get(groupOf(generation, rollouts)) ?? 1,
    ]),
  );
};

/** What shares its requests evenly: everything but what is being tried out, and each of those. */
const STABLE = 0;
const groupOf = (generation: number, rollouts: readonly Rollout[]): number =>
  rollouts.some((rollout) => rollout.generation === generation && isOnTrial(rollout))
    ? generation
    : STABLE;

const isOnTrial = ({ status, strategy }: Rollout): boolean =>
  status !== 'completed' && isWeighted(strategy);

/** Each trial takes its share from those before it. Only groups that have an instance. */
const sharesOfGroups = (
  serving: readonly Serving[],
  rollouts: readonly Rollout[],
): ReadonlyMap<number, number> => {
  const present = new Set(serving.map(({ generation }) => groupOf(generation, rollouts)));
  let shares = new Map<number, number>(present.has(STABLE) ? [[STABLE, 1]] : []);
  const trials = rollouts
    .filter(({ generation }) => present.has(generation) && generation !== STABLE)
    .toSorted((a, b) => a.generation - b.generation);
  for (const trial of trials) {
    const share = shareOf(trial);
    shares = new Map([...shares].map(([group, part]) => [group, part * (1 - share)]));
    shares.set(trial.generation, share);
  }
  const sum = [...shares.values()].reduce((a, b) => a + b, 0);
  return sum > 0 ? shares : new Map([...shares].map(([group]) => [group, 1]));
};

const shareOf = (rollout: Rollout): number =>
  rollout.status === 'running' ? shareAt(rollout.strategy, rollout.step) / 100 : 0;

/** Whole numbers up to the limit that come nearest to the given proportions; 0 stays 0, and nothing becomes it. */
const wholeNumbers = (parts: readonly number[]): readonly number[] => {
  const largest = Math.max(...parts);
  const at = (top: number): number[] =>
    parts.map((part) => (part === 0 ? 0 : Math.max(1, Math.round((part / largest) * top))));
  const errorAt = (top: number): number =>
    Math.max(
      ...at(top).map((n, i) => {
        const part = (parts[i] ?? 0) / largest;
        return part === 0 ? 0 : Math.abs(n / top - part) / part;
      }),
    );
  let best = 1;
  for (let top = 2; top <= WEIGHT_MAX; top += 1) {
    if (errorAt(top) < errorAt(best) - 1e-9) best = top;
  }
  return at(best);
};
