import { isSameLimits, LIMITS, type KnownInstance } from '@shiplog/domain';
import type { Limits } from '@shiplog/events';
import type { Action, Plan, PlanInput } from './actions.js';
import type { Container } from './container-engine.port.js';
import { isRetired } from './serving.js';

/**
 * Every container has the limits that its process type ought to have by now: a change of them reaches
 * what runs without a restart, and what somebody else changed is put right.
 */
export const planLimits = (input: PlanInput): Plan => {
  if (input.app.status === 'unknown') return { actions: [], nextAtMs: null };
  const steps = input.app.instances
    .filter((instance) => !isRetired(instance) && !input.busy.has(instance.instanceId))
    .map((instance) => stepOf(instance, input));
  const times = steps.flatMap(({ atMs }) => atMs ?? []);
  return {
    actions: steps.flatMap(({ action }) => action ?? []),
    nextAtMs: times.length === 0 ? null : Math.min(...times),
  };
};

interface Step {
  readonly action?: Action;
  readonly atMs?: number;
}

const stepOf = (instance: KnownInstance, { app, containers, notes, nowMs }: PlanInput): Step => {
  const { instanceId, appId, process } = instance;
  const container = containers.get(instanceId);
  const limits = app.limits[process];
  if (container === undefined || limits === undefined || !canBeResized(container)) return {};
  const isAsked = app.resizing.has(instanceId);
  if (isEnforced(container.limits, limits)) {
    // Done, or made with them, before the log could be told.
    return isAsked ? { action: { type: 'record-resized', appId, instanceId, limits } } : {};
  }
  const unsized = notes.get(instanceId)?.unsized ?? null;
  if (unsized !== null && nowMs < unsized.notBeforeMs && isSameLimits(unsized.limits, limits)) {
    return { atMs: unsized.notBeforeMs };
  }
  const cause = isAsked ? 'asked' : 'drift';
  return {
    action: { type: 'resize', appId, instanceId, containerId: container.id, limits, cause },
  };
};

/** Engines count in steps: 1024 shares to a CPU, a thousand million parts of one. */
const STEP = 0.001;

export const isEnforced = (is: Limits, wanted: Limits): boolean =>
  LIMITS.every((field) => Math.abs(is[field] - wanted[field]) < STEP);

const canBeResized = (container: Container): container is Container & { limits: Limits } =>
  container.limits !== null && !['removing', 'dead'].includes(container.status);

/** One engine step at a time: what is out of memory again and again gets its new limit before its next start. */
export const limitsFirst = (
  steps: readonly Action[],
  limits: readonly Action[],
): readonly Action[] => {
  const resized = new Set(
    limits.flatMap((action) => (action.type === 'resize' ? action.instanceId : [])),
  );
  return steps.filter((action) => !(WAITS.has(action.type) && isOf(action, resized)));
};

const WAITS: ReadonlySet<Action['type']> = new Set(['start', 'keep-running', 'record-exited']);

const isOf = (action: Action, instances: ReadonlySet<string>): boolean =>
  'instanceId' in action && instances.has(action.instanceId);
