import type { World } from '@shiplog/domain';
import type { Position } from '@shiplog/events';
import type { RoundResult } from '@shiplog/reconcile';
import { desiredRoutes, type DesiredRoutes } from './desired-routes.js';
import { instanceOf } from './places.js';
import type { Passwords } from './passwords.js';
import { planRoutes, sinceNow, type Since } from './plan.js';
import { routeFacts, type Recorded, type RouteFacts } from './route-facts.js';
import type { Router } from './router.port.js';

export interface ReconcileDependencies {
  readonly world: World;
  readonly router: Router;
  readonly routerId: string;
  readonly domain: string;
  /** Numeric address at which published ports are reached. */
  readonly instanceHost: string;
  /** Hashes of passwords, as far as they were opened. */
  readonly passwords: Pick<Passwords, 'open' | 'hashOf'>;
  /** Resolves when everything that is in the log now is in the world; rejects when that is unknown. */
  readonly catchUp: () => Promise<unknown>;
  readonly record: (facts: RouteFacts, position: Position) => Promise<void>;
  /** Called with routes that are kept because nothing in the log says why they should go. */
  readonly onRefused: (routes: readonly string[]) => void;
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: () => number;
}

/** One round: what should be, what is, the difference, and what was then seen. */
export const routesReconciler = (deps: ReconcileDependencies): (() => Promise<RoundResult>) => {
  let since: Since = { draining: new Map(), empty: new Map() };
  let refused = '';

  return async () => {
    await deps.catchUp();
    await deps.passwords.open();
    const { position } = deps.world;
    const { domain, instanceHost, passwords } = deps;
    const place = { domain, instanceHost, hashOf: passwords.hashOf };
    const desired = desiredRoutes(deps.world, place);
    const before = await deps.router.observe();
    since = sinceNow(since, before, deps.nowMs());
    const plan = planRoutes(desired, before, since, deps.nowMs());
    if (plan.refused.join() !== refused) {
      refused = plan.refused.join();
      if (plan.refused.length > 0) deps.onRefused(plan.refused);
    }
    const failure = await deps.router.apply(plan.actions).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    // One that has no place for an app has drained another one all the same.
    const after = plan.actions.length === 0 ? before : await deps.router.observe();
    since = sinceNow(since, after, deps.nowMs());

    const named = stillNamed(desired, deps.world);
    const facts = routeFacts(named, after, recordedRoutes(deps.world, deps.routerId));
    const { routed, unrouted, drained, weights } = facts;
    if (routed.length + unrouted.length + drained.length + Object.keys(weights).length > 0) {
      await deps.record(facts, position);
    }
    if (failure !== undefined) throw failure.error;
    return plan.nextRoundInMs === undefined ? {} : { nextRoundInMs: plan.nextRoundInMs };
  };
};

/** An instance that stopped while the proxy was changed is forgotten, and with it what was recorded of it. */
const stillNamed = (desired: DesiredRoutes, world: World): DesiredRoutes => ({
  ...desired,
  endpoints: new Map([...desired.endpoints].filter(([place]) => isNamed(world, instanceOf(place)))),
  unplaced: new Map([...(desired.unplaced ?? [])].filter(([id]) => isNamed(world, id))),
});

const isNamed = (world: World, instanceId: string): boolean =>
  world.get('instance', instanceId).state.status !== 'none';

const recordedRoutes = (world: World, routerId: string): Recorded => {
  const { state } = world.get('router', routerId);
  return state.status === 'active' ? state : { routes: new Map(), weights: new Map() };
};
