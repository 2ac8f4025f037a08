import type { World } from '@shiplog/domain';
import type { Position } from '@shiplog/events';
import type { RoundResult } from '@shiplog/reconcile';
import {
  desiredRoutes,
  desiredRoutesOf,
  domainsByApp,
  type DesiredRoutes,
} from './desired-routes.js';
import { instanceOf } from './places.js';
import type { Passwords } from './passwords.js';
import { planRoutes, sinceNow, type RoutePlan, type Since } from './plan.js';
import { routeFacts, type Recorded, type RouteFacts } from './route-facts.js';
import type { ActualRoutes, RouteAction, Router } from './router.port.js';

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
  /** Apps of which the log told something new since the last call; `all` where that may be more than one's own matter. */
  readonly takeChanged: () => Changed;
  readonly record: (facts: RouteFacts, position: Position) => Promise<void>;
  /** Called with routes that are kept because nothing in the log says why they should go. */
  readonly onRefused: (routes: readonly string[]) => void;
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: () => number;
}

/** Everything is looked at again although nobody said that it changed. */
const WHOLE_EVERY_MS = 60_000;

type Changed = ReadonlySet<string> | 'all';

/** What the last round left for the next one. */
interface Left {
  readonly domainsOf: ReturnType<typeof domainsByApp>;
  /** Apps that are not as they should be yet, or of which time alone may make a difference. */
  readonly open: ReadonlySet<string>;
  /** Since when all is known. */
  readonly wholeAtMs: number;
}

interface Planned {
  readonly desired: DesiredRoutes;
  /** Of the log, as `desired` has it. */
  readonly position: Position;
  readonly before: ActualRoutes;
  readonly plan: RoutePlan;
}

interface Round {
  readonly open: ReadonlySet<string>;
  readonly result: RoundResult;
}

/**
 * One round: what should be, what is, the difference, and what was then seen. Of apps that changed, and those that wait for
 * something; of all of them at the beginning, where domains changed, after anything that was not as expected, and now and
 * then. What a round of some apps does is what one of all apps would do of them.
 */
export const routesReconciler = (deps: ReconcileDependencies): (() => Promise<RoundResult>) => {
  const { router, world, domain, instanceHost, passwords } = deps;
  const place = { domain, instanceHost, hashOf: passwords.hashOf };
  let since: Since = { draining: new Map(), empty: new Map() };
  let refused = '';
  let left: Left | undefined;

  const carryOut = async (
    { desired, before, plan, position }: Planned,
    look: () => Promise<ActualRoutes | undefined>,
    /** Of all that was planned: what is open. */
    openAfter: (after: ActualRoutes) => readonly RouteAction[] = () => plan.actions,
  ): Promise<Round | undefined> => {
    const failure = await router.apply(plan.actions).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    // One that has no place for an app has drained another one all the same.
    const after = plan.actions.length === 0 ? before : await look();
    if (after === undefined) {
      if (failure !== undefined) throw failure.error;
      return undefined;
    }
    since = sinceNow(since, after, deps.nowMs());

    const named = stillNamed(desired, world);
    const facts = routeFacts(named, after, recordedRoutes(world, deps.routerId));
    const { routed, unrouted, drained, weights } = facts;
    if (routed.length + unrouted.length + drained.length + Object.keys(weights).length > 0) {
      await deps.record(facts, position);
    }
    if (failure !== undefined) throw failure.error;
    const { nextRoundInMs } = plan;
    return {
      open: openApps(plan.actions.length === 0 ? [] : openAfter(after), desired, after),
      result: nextRoundInMs === undefined ? {} : { nextRoundInMs },
    };
  };

  const planFor = (desired: DesiredRoutes, before: ActualRoutes): RoutePlan => {
    since = sinceNow(since, before, deps.nowMs());
    return planRoutes(desired, before, since, deps.nowMs());
  };

  /** Undefined: it takes a look at everything. */
  const roundOf = async (
    appIds: ReadonlySet<string>,
    { domainsOf }: Left,
  ): Promise<Round | undefined> => {
    const { position } = world;
    const desired = desiredRoutesOf(appIds, domainsOf, world, place);
    const before = await router.observeApps(appIds);
    if (before === undefined) return undefined;
    const plan = planFor(desired, before);
    if (plan.refused.length > 0 || plan.actions.some(isOfPlaces)) return undefined;
    return carryOut({ desired, before, plan, position }, () => router.observeApps(appIds));
  };

  const roundOfAll = async (): Promise<RoundResult> => {
    const wholeAtMs = deps.nowMs();
    const { position } = world;
    const desired = desiredRoutes(world, place);
    const before = await router.observe();
    const plan = planFor(desired, before);
    if (plan.refused.join() !== refused) {
      refused = plan.refused.join();
      if (plan.refused.length > 0) deps.onRefused(plan.refused);
    }
    const round = await carryOut(
      { desired, before, plan, position },
      () => router.observe(),
      // Where everything was to be done, nothing of it would be left for the first change to look at again.
      (after) => planFor(desired, after).actions,
    );
    // Where there is something that the log does not explain, all the next rounds are of everything.
    if (round !== undefined && plan.refused.length === 0) {
      left = { domainsOf: domainsByApp(desired), open: round.open, wholeAtMs };
    }
    return round?.result ?? {};
  };

  return async () => {
    await deps.catchUp();
    const before = left;
    // Whatever fails from here on: the next round is of everything.
    left = undefined;
    const isWhole = before === undefined || deps.nowMs() - before.wholeAtMs >= WHOLE_EVERY_MS;
    let changed: Changed = isWhole ? 'all' : deps.takeChanged();
    // What changes while some are opened is of this round, too.
    const open = () => passwords.open(() => (changed = both(changed, deps.takeChanged())));
    // Of some it was not the log that changed: what could not be read before can be now.
    const opened = await open();
    changed = both(changed, opened);
    if (before === undefined || changed === 'all') return roundOfAll();
    const round = await roundOf(new Set([...before.open, ...changed]), before);
    if (round === undefined) {
      // It is of the world as it is by now.
      await open();
      return roundOfAll();
    }
    left = { ...before, open: round.open };
    return round.result;
  };
};

const both = (some: Changed, more: Changed): Changed =>
  some === 'all' || more === 'all' ? 'all' : new Set([...some, ...more]);

/** Its consequences are not of one app alone. */
const isOfPlaces = ({ kind }: RouteAction): boolean =>
  kind === 'bind-host' || kind === 'unbind-host' || kind === 'release-pool';

/** What was done has to be seen to last, and what does not serve waits for something. */
const openApps = (
  actions: readonly RouteAction[],
  desired: DesiredRoutes,
  actual: ActualRoutes,
): ReadonlySet<string> => {
  const appOf = (action: RouteAction): string | undefined => {
    if ('appId' in action) return action.appId;
    if (action.kind === 'serve') return action.endpoint.appId;
    if (action.kind === 'unbind-host') return actual.hosts.get(action.host);
    const { instanceId } = action;
    return (desired.endpoints.get(instanceId) ?? actual.endpoints.get(instanceId))?.appId;
  };
  return new Set([
    ...actions.flatMap((action) => appOf(action) ?? []),
    ...[...actual.endpoints.values()].flatMap((e) => (e.state === 'serving' ? [] : e.appId)),
    ...actual.emptyPools.keys(),
  ]);
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
