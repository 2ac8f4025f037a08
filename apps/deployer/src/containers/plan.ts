import type { Action, Plan, PlanInput } from './actions.js';
import { planInstances } from './plan-instances.js';
import { planReplacement } from './plan-replacement.js';
import { planRollout } from './plan-rollout.js';
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
  const replacement = isEnding ? { actions: [], nextAtMs: null } : planReplacement(input);
  const going = new Set(
    replacement.actions.flatMap((action) => (action.type === 'retire' ? action.instanceId : [])),
  );
  const instances = planInstances(input);
  const steps = instances.actions.filter(
    (action) => !('instanceId' in action && going.has(action.instanceId)),
  );
  const runs = planRuns(input);
  const times = [rollout, replacement, instances, runs].flatMap(({ nextAtMs }) => nextAtMs ?? []);
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

const ENDS: ReadonlySet<Action['type']> = new Set([
  'complete-rollout',
  'fail-rollout',
  'cancel-rollout',
]);
