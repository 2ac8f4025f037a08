import { releaseRunIdOf, shareAt, sharesOf, type KnownInstance } from '@shiplog/domain';
import type { DesiredApp, WantedRollout } from './desired.js';
import type { Action, Failure, Plan, PlanInput } from './actions.js';
import { judge } from './judge.js';
import { stageOf } from './plan-stage.js';
import { withoutStopFirst } from './plan-stop-first.js';
import { isReleasePhaseOver, releasePhaseOf } from './release-phase.js';
import { isConfirmedOut, isRetired, isRouted, isServing } from './serving.js';

/** A new instance that ended this often during its rollout is not going to make it. */
const CRASHES_MAX = 3;

/** Starts, ends and times the rollouts of one app. Every rollout ends. */
export const planRollout = (input: PlanInput): Plan => {
  const { app } = input;
  const stray = app.strayRollouts.map(({ rolloutId, hasSwitched }): Action => {
    const of = { appId: app.appId, rolloutId };
    if (app.status === 'destroyed') {
      return { type: 'cancel-rollout', ...of, cause: 'app-destroyed' };
    }
    return hasSwitched
      ? { type: 'complete-rollout', ...of }
      : { type: 'cancel-rollout', ...of, cause: 'superseded' };
  });
  if (app.target === null || app.status === 'unknown') return { actions: stray, nextAtMs: null };
  const { rollout } = app.target;
  const own = { appId: app.appId, rolloutId: rollout.rolloutId };
  if (rollout.deadlineMs === null) {
    return { actions: [...stray, { type: 'start-rollout', ...own }], nextAtMs: null };
  }
  if (rollout.isCancelAsked) {
    return {
      actions: [...stray, { type: 'cancel-rollout', ...own, cause: 'asked' }],
      nextAtMs: null,
    };
  }
  const end = endOf(input, rollout);
  if (end !== null) return { actions: [...stray, { ...end, ...own }], nextAtMs: null };
  // Process types that run once come last: no step waits for them.
  const others = withoutStopFirst(input);
  const { step } = stageOf(others, others.app.target ?? app.target);
  const steps: Action[] = step === null ? [] : [{ ...step, ...own }];
  return { actions: [...stray, ...steps], nextAtMs: nextTimeOf(input, rollout.deadlineMs) };
};

type End =
  | { type: 'complete-rollout' }
  | { type: 'cancel-rollout'; cause: 'app-stopped' }
  | { type: 'fail-rollout'; failure: Failure };

const endOf = (input: PlanInput, rollout: WantedRollout): End | null => {
  const { app, nowMs } = input;
  const own = app.instances.filter(({ generation }) => generation === rollout.generation);
  // On a stopped app a release becomes the one that a start will run; nothing is tried out.
  if (app.status === 'stopped' && own.length > 0) {
    return { type: 'cancel-rollout', cause: 'app-stopped' };
  }
  if (isReplaced(input)) return { type: 'complete-rollout' };
  const failure = failureOf(
    input,
    own.filter((instance) => !isRetired(instance)),
    rollout,
  );
  if (failure !== null) return { type: 'fail-rollout', failure };
  if (nowMs < (rollout.deadlineMs ?? Infinity)) return null;
  if (!isReleasePhaseOver(app)) {
    const runId = releaseRunIdOf(rollout.rolloutId);
    return { type: 'fail-rollout', failure: { kind: 'release-command', runId } };
  }
  return { type: 'fail-rollout', failure: deadlineFailure(own, input, rollout) };
};

/** Every process type has its instances serving, and nothing older is reachable. */
const isReplaced = ({ app, routers }: PlanInput): boolean => {
  const { target } = app;
  if (target === null || !isReleasePhaseOver(app)) return false;
  const hasCapacity = Object.entries(target.wanted).every(
    ([type, wanted]) =>
      servingCount(app, { type, generation: target.generation }, routers) >= wanted,
  );
  const others = app.instances.filter(({ generation }) => generation !== target.generation);
  return hasCapacity && others.every((old) => isRetired(old) && isConfirmedOut(old, routers));
};

const servingCount = (
  app: DesiredApp,
  of: { type: string; generation: number },
  routers: PlanInput['routers'],
): number =>
  app.instances.filter(
    (instance) =>
      instance.process === of.type &&
      instance.generation === of.generation &&
      isServing(instance, routers),
  ).length;

const failureOf = (
  input: PlanInput,
  own: readonly KnownInstance[],
  rollout: WantedRollout,
): Failure | null => {
  if (releasePhaseOf(input.app) === 'failed') {
    return { kind: 'release-command', runId: releaseRunIdOf(rollout.rolloutId) };
  }
  if (rollout.lostImage !== null) return { kind: 'image-lost', said: rollout.lostImage };
  for (const instance of own) {
    const { instanceId } = instance;
    if (input.notes.get(instanceId)?.isHopeless === true)
      return { kind: 'not-created', instanceId };
    if (instance.status === 'exited' && instance.restarts >= CRASHES_MAX - 1) {
      return { kind: 'crashed', instanceId };
    }
    const limitMs = startLimitMs(input, instance);
    if (limitMs !== null && input.nowMs >= limitMs) {
      const afterSeconds = input.app.settings.startTimeoutSeconds;
      return { kind: 'not-ready', instanceId, afterSeconds };
    }
  }
  return worseOf(input, rollout);
};

/** A canary ends as soon as it is known to be worse: it need not wait for the end of its step. */
const worseOf = ({ measured }: PlanInput, rollout: WantedRollout): Failure | null => {
  const { strategy, step, promotedTo } = rollout;
  if (strategy.kind !== 'canary' || strategy.promote === 'manual' || measured === null) return null;
  // Whoever promoted it has decided; and nothing is left to compare with at the last step.
  if (step === 0 || step < promotedTo || step >= sharesOf(strategy).length) return null;
  const { worse } = judge(measured, strategy);
  return worse === null
    ? null
    : { kind: 'worse', what: worse, share: shareAt(strategy, step), measured };
};

/** When a running instance ought to have become ready. */
const startLimitMs = (input: PlanInput, instance: KnownInstance): number | null => {
  const startedAt = input.containers.get(instance.instanceId)?.startedAt ?? null;
  if (instance.status !== 'starting' || startedAt === null) return null;
  return Date.parse(startedAt) + input.app.settings.startTimeoutSeconds * 1000;
};

/** The instance that best tells why: one that is not ready, else one that no router took; none where there is none. */
const deadlineFailure = (
  own: readonly KnownInstance[],
  { routers, measured }: PlanInput,
  { strategy, step }: WantedRollout,
): Failure => {
  const open = own.filter((instance) => !isRetired(instance));
  if (open.length === 0) return { kind: 'deadline', instanceId: null, isReady: false };
  const waiting = open.filter((instance) => !isRouted(instance, routers));
  if (waiting.length === 0 && strategy.kind === 'canary' && step > 0) {
    return { kind: 'undecided', share: shareAt(strategy, step), measured };
  }
  const worst = waiting.find(({ status }) => status !== 'ready') ?? waiting[0];
  return {
    kind: 'deadline',
    instanceId: worst?.instanceId ?? null,
    isReady: worst === undefined || worst.status === 'ready',
  };
};

/** A limit that has passed (of an instance of another generation) waits for something else than time. */
const nextTimeOf = (input: PlanInput, deadlineMs: number): number => {
  const limits = input.app.instances.flatMap((instance) => startLimitMs(input, instance) ?? []);
  return Math.min(deadlineMs, ...limits.filter((limitMs) => limitMs > input.nowMs));
};
