import type { KnownInstance } from '@shiplog/domain';
import type { DesiredApp, WantedGeneration } from './desired.js';
import type { PlanInput } from './actions.js';
import { isReleasePhaseOver } from './release-phase.js';

/** The process type that requests are routed to. */
export const ROUTED_PROCESS = 'web';

/** Do routers lead to it: requests, or connections to a port of theirs? It was made with a port of its own then. */
export const isReached = ({ containerPort }: Pick<KnownInstance, 'containerPort'>): boolean =>
  containerPort !== null;

/** The generation that should run now: the one on its way once its release command succeeded, else the one that serves. */
export const inForce = (app: DesiredApp): WantedGeneration | null =>
  isReleasePhaseOver(app) ? (app.target ?? app.live) : app.live;

export const isRetired = (instance: KnownInstance): boolean => instance.status === 'retired';

/**
 * Ready and, where requests are routed, confirmed by every router, with whatever share of the requests.
 * Without a router nothing is.
 */
export const isRouted = (instance: KnownInstance, routers: PlanInput['routers']): boolean => {
  if (instance.status !== 'ready') return false;
  if (!isReached(instance)) return true;
  return (
    routers.length > 0 &&
    routers.every(({ routes }) => routes.get(instance.instanceId) === 'routed')
  );
};

/** Routed, and every router gives it a part of the requests: it counts as capacity. */
export const isServing = (instance: KnownInstance, routers: PlanInput['routers']): boolean =>
  isRouted(instance, routers) &&
  (!isReached(instance) || routers.every(({ weights }) => weights.get(instance.instanceId) !== 0));

/** Seconds that an instance no router ever named has to wait: a confirmation may still be on its way. */
const UNNAMED_WAIT_SECONDS = 5;

/** Apps of its team that just asked for its name may still connect: its name is gone, and no answer is kept. */
const NAME_WAIT_MS = 400;

/**
 * May it be stopped? No router sends anything to it any more, and nobody who was told its name is on the
 * way. A time is given when time alone will allow it.
 */
export const drainOf = (
  instance: KnownInstance,
  { routers, notes, app, nowMs }: PlanInput,
): { readonly isDrained: boolean; readonly atMs: number | null } => {
  if (!instance.wasReady) return { isDrained: true, atMs: null };
  const since = notes.get(instance.instanceId)?.retiredSinceMs ?? nowMs;
  const isNamed = instance.address != null && app.status === 'active';
  const namedUntilMs = isNamed ? since + NAME_WAIT_MS : since;
  if (nowMs < namedUntilMs) return { isDrained: false, atMs: namedUntilMs };
  if (!isReached(instance)) return { isDrained: true, atMs: null };
  const states = routers.map(({ routes }) => routes.get(instance.instanceId));
  if (states.some((state) => state !== undefined && state !== 'drained')) {
    return { isDrained: false, atMs: null };
  }
  if (states.every((state) => state === 'drained')) return { isDrained: true, atMs: null };
  const atMs = since + (app.settings.drainSeconds + UNNAMED_WAIT_SECONDS) * 1000;
  return { isDrained: nowMs >= atMs, atMs };
};

/** No router routes to it: what users reach is the new one. */
export const isOutOfRouting = (instance: KnownInstance, routers: PlanInput['routers']): boolean =>
  !isReached(instance) ||
  routers.every(({ routes }) => routes.get(instance.instanceId) !== 'routed');

/** Every router said that it does not route to it, since it was ready the last time. */
export const isConfirmedOut = (instance: KnownInstance, routers: PlanInput['routers']): boolean => {
  if (!isReached(instance) || !instance.wasReady) return true;
  const states = routers.map(({ routes }) => routes.get(instance.instanceId));
  return states.every((state) => state === 'unrouted' || state === 'drained');
};
