import { batchOf, countAt, isWeighted, shareAt, sharesOf } from '@shiplog/domain';
import type { DesiredApp, WantedRollout } from './desired.js';
import type { Action, PlanInput } from './actions.js';
import { judge } from './judge.js';
import { isRetired, isRouted, isServing } from './serving.js';

type Target = NonNullable<DesiredApp['target']>;
type Counts = Readonly<Record<string, number>>;
type Step = Omit<Extract<Action, { type: 'step-rollout' }>, 'appId' | 'rolloutId'>;

/** Where a rollout stands on its way, and what that allows now. */
export interface Stage {
  /** New instances of each process type that there may be. */
  readonly allowed: Counts;
  /** The old ones are kept in full number: the way back is theirs. */
  readonly keepsLive: boolean;
  /** What has to be recorded because it is reached. */
  readonly step: Step | null;
  /** When time alone allows more. */
  readonly nextAtMs: number | null;
}

export const stageOf = (input: PlanInput, target: Target): Stage => {
  const { rollout } = target;
  if (!isWeighted(rollout.strategy)) return batchStage(input, target);
  // Nothing to compare with, or to go back to: there are no steps.
  return input.app.live === null || isNothingWanted(target)
    ? { allowed: target.wanted, keepsLive: false, step: null, nextAtMs: null }
    : shareStage(input, target);
};

const isNothingWanted = ({ wanted }: Target): boolean =>
  Object.values(wanted).every((count) => count === 0);

/** Rolling: one batch more when the last one serves and has rested. */
const batchStage = (input: PlanInput, target: Target): Stage => {
  const { app, nowMs } = input;
  const { strategy, step, promotedTo } = target.rollout;
  const { batch, pauseSeconds } =
    strategy.kind === 'rolling' ? strategy : { batch: '100%', pauseSeconds: 0 };
  const restsUntilMs = step === 0 ? 0 : sinceMs(target.rollout) + pauseSeconds * 1000;
  const isResting = nowMs < restsUntilMs && step >= promotedTo;
  const batches = (n: number): Counts =>
    mapCounts(target.wanted, (wanted) => Math.min(wanted, batchOf(batch, wanted) * n));
  const old = (type: string): number =>
    app.instances.filter(
      (i) => !isRetired(i) && i.process === type && i.generation === app.live?.generation,
    ).length;
  // Where fewer old ones are left than there ought to be, new ones take their place at once.
  const allowed = mapCounts(batches(isResting ? step : step + 1), (count, type) =>
    Math.max(count, Math.min(target.wanted[type] ?? 0, (target.wanted[type] ?? 0) - old(type))),
  );
  const reached = batches(step + 1);
  const isLast = Object.entries(target.wanted).every(([type, n]) => (reached[type] ?? 0) >= n);
  const isReached = !isResting && !isLast && hasAll(input, target, reached, isServing);
  return {
    allowed,
    keepsLive: false,
    step: isReached
      ? { type: 'step-rollout', step: step + 1, percent: percentOf(reached, target.wanted) }
      : null,
    nextAtMs: isResting ? restsUntilMs : null,
  };
};

/** Blue-green and canary: another share of the requests when enough instances for it are there. */
const shareStage = (input: PlanInput, target: Target): Stage => {
  const { strategy, step } = target.rollout;
  const last = sharesOf(strategy).length;
  const hold = holdOf(input, target.rollout);
  if (step >= last) {
    return {
      allowed: target.wanted,
      keepsLive: !hold.isOver,
      step: null,
      nextAtMs: hold.nextAtMs,
    };
  }
  const share = shareAt(strategy, hold.isOver ? step + 1 : step);
  const allowed = mapCounts(target.wanted, (wanted) => countAt(strategy, share, wanted));
  return {
    allowed,
    keepsLive: true,
    step:
      hold.isOver && hasAll(input, target, allowed, isRouted)
        ? { type: 'step-rollout', step: step + 1, percent: share }
        : null,
    nextAtMs: hold.nextAtMs,
  };
};

/** May a rollout leave the step where it is? */
const holdOf = (
  input: PlanInput,
  { strategy, step, promotedTo, ...rollout }: WantedRollout,
): { readonly isOver: boolean; readonly nextAtMs: number | null } => {
  if (step === 0 || step < promotedTo) return { isOver: true, nextAtMs: null };
  const isLast = step >= sharesOf(strategy).length;
  if (strategy.kind === 'canary') {
    if (isLast) return { isOver: true, nextAtMs: null };
    if (strategy.promote === 'manual') return { isOver: false, nextAtMs: null };
    const untilMs = sinceMs(rollout) + strategy.stepSeconds * 1000;
    if (input.nowMs < untilMs) return { isOver: false, nextAtMs: untilMs };
    return { isOver: judge(input.measured, strategy).verdict === 'good', nextAtMs: null };
  }
  const seconds = strategy.kind === 'blue-green' ? strategy.retainSeconds : 0;
  const untilMs = sinceMs(rollout) + seconds * 1000;
  return input.nowMs < untilMs
    ? { isOver: false, nextAtMs: untilMs }
    : { isOver: true, nextAtMs: null };
};

const sinceMs = ({ steppedAtMs }: Pick<WantedRollout, 'steppedAtMs'>): number => steppedAtMs ?? 0;

const hasAll = (
  { app, routers }: PlanInput,
  { generation }: Target,
  counts: Counts,
  isThere: typeof isServing,
): boolean =>
  Object.entries(counts).every(
    ([type, count]) =>
      app.instances.filter(
        (i) => i.process === type && i.generation === generation && isThere(i, routers),
      ).length >= count,
  );

const mapCounts = (counts: Counts, map: (count: number, type: string) => number): Counts =>
  Object.fromEntries(Object.entries(counts).map(([type, count]) => [type, map(count, type)]));

const percentOf = (part: Counts, whole: Counts): number => {
  const sum = (counts: Counts): number => Object.values(counts).reduce((a, b) => a + b, 0);
  return Math.round((100 * sum(part)) / Math.max(1, sum(whole)));
};
