import type { DesiredApp } from './desired.js';
import type { Action } from './actions.js';
import { inForce } from './serving.js';

/** Removing this many instances at once, or fewer, needs no second thought. */
const REMOVAL_COUNT_MIN = 10;

/** What a round wants to do to the instances of one app. */
export interface AppActions {
  readonly app: DesiredApp;
  readonly actions: readonly Action[];
}

interface Bounded {
  readonly allowed: readonly Action[];
  /** Removals that were refused; empty where all is well. */
  readonly refused: readonly Action[];
}

/**
 * The last look before instances go: a removal has to be explained by what the log says about that
 * app, found here on another way than in the plan. If more than half of all instances would go
 * without an explanation, nothing goes: rather too much runs than nothing.
 */
export const boundRemoval = (planned: readonly AppActions[], instanceCount: number): Bounded => {
  const actions = planned.flatMap((of) => of.actions);
  const unexplained = planned.flatMap(({ app, actions: own }) =>
    own.filter((action) => isRemoval(action) && !isExplained(action, app)),
  );
  const isTooMuch =
    unexplained.length > REMOVAL_COUNT_MIN && unexplained.length > instanceCount / 2;
  if (!isTooMuch) return { allowed: actions, refused: [] };
  const refused = new Set(unexplained);
  return { allowed: actions.filter((action) => !refused.has(action)), refused: unexplained };
};

const isRemoval = ({ type }: Action): boolean => type === 'retire' || type === 'stop';

const isExplained = (action: Action, app: DesiredApp): boolean => {
  if (action.type === 'stop') return true;
  if (action.type !== 'retire') return true;
  const instance = app.instances.find(({ instanceId }) => instanceId === action.instanceId);
  if (instance === undefined) return false;
  const force = inForce(app);
  switch (action.reason) {
    case 'stopped':
    case 'destroyed':
      return app.status === action.reason;
    case 'rollout-failed':
      return app.endedGenerations.includes(instance.generation);
    case 'superseded':
      return force !== null && force.generation !== instance.generation;
    case 'scaled-down':
      // The live one may be kept beside the one in force.
      return [force, app.live].some((one) => one?.generation === instance.generation);
    case 'lost':
      // The container has gone already: saying so removes nothing.
      return true;
  }
};
