import type { Action, Plan, PlanInput } from './actions.js';
import { planHealth } from './plan-health.js';
import { planInstances } from './plan-instances.js';
import { limitsFirst, planLimits } from './plan-limits.js';
import { planReplacement } from './plan-replacement.js';
import { planRollout } from './plan-rollout.js';
import { planStopFirst, withoutStopFirst } from './plan-stop-first.js';
import { planSignals } from './plan-signals.js';
import { planRuns } from './plan-runs.js';

/**
 * The next safe steps for one app. Pure and deterministic: equal inputs, equal plans.
 * The order is law: start new → ready → routed → old out of routing → drained → stopped.
 */
export const plan = (input: PlanInput): Plan => {
  const rollout = planRollout(input);
  // What a rollout that ends here leaves behind is decided when its end is in the log.
  const isEnding = rollout.actions.some(({ type }) => ENDS.has(type));
  const replacement = isEnding ? NOTHING : replacementOf(input);
  const going = new Set(
    replacement.actions.flatMap((action) => (action.type === 'retire' ? action.instanceId : [])),
  );
  const health = planHealth(input);
  const limits = planLimits(input);
  const planned = planInstances(input);
  const instances = limitsFirst(planned.actions, limits.actions);
  const steps = [...health.actions, ...instances, ...limits.actions].filter(
    (action) => !('instanceId' in action && going.has(action.instanceId)),
  );
  const runs = planRuns(input);
  const times = [rollout, replacement, health, planned, limits, runs].flatMap(
    ({ nextAtMs }) => nextAtMs ?? [],
  );
  return {
    actions: [
      ...planSignals(input),
      ...rollout.actions,
      ...replacement.actions,
      ...steps,
      ...runs.actions,
    ],
    nextAtMs: times.length === 0 ? null : Math.min(...times),
  };
};

const NOTHING: Plan = { actions: [], nextAtMs: null };

const replacementOf = (input: PlanInput): Plan => {
  const plans = [planReplacement(withoutStopFirst(input)), planStopFirst(input)];
  const times = plans.flatMap(({ nextAtMs }) => nextAtMs ?? []);
  return {
    actions: plans.flatMap(({ actions }) => actions),
    nextAtMs: times.length === 0 ? null : Math.min(...times),
  };
};

const ENDS: ReadonlySet<Action['type']> = new Set([
  'complete-rollout',
  'fail-rollout',
  'cancel-rollout',
]);
