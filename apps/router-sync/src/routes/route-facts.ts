import type { RouteState } from '@shiplog/domain';
import type { DesiredEndpoint, DesiredRoutes } from './desired-routes.js';
import { isServingAt, mayBegin } from './plan.js';
import type { ActualRoutes } from './router.port.js';

export interface RouteFacts {
  readonly routed: readonly string[];
  readonly unrouted: readonly string[];
  readonly drained: readonly string[];
  /** As they were read back, where the log says something else. */
  readonly weights: Readonly<Record<string, number>>;
}

/** What the log says of one router. */
export interface Recorded {
  readonly routes: { get(instanceId: string): RouteState | undefined };
  readonly weights: { get(instanceId: string): number | undefined };
}

/** What the proxy was seen to do and the log does not say yet. Only of instances that the log still names. */
export const routeFacts = (
  desired: DesiredRoutes,
  actual: ActualRoutes,
  recorded: Recorded,
): RouteFacts => {
  const hostsOf = hostsByApp(desired);
  const isReached = (appId: string): boolean => {
    const hosts = hostsOf.get(appId) ?? [];
    return hosts.length > 0 && hosts.every((host) => actual.hosts.get(host) === appId);
  };
  const wanted = [...desired.endpoints.values()];
  const withState = (...states: readonly (RouteState | undefined)[]) =>
    wanted.filter(({ instanceId }) => states.includes(recorded.routes.get(instanceId)));
  const seen = ({ instanceId }: DesiredEndpoint) => actual.endpoints.get(instanceId);
  const idOf = ({ instanceId }: DesiredEndpoint): string => instanceId;

  return {
    routed: withState(undefined, 'unrouted', 'drained', 'returning')
      .filter((e) => e.want === 'serving' && isReached(e.appId) && isServingAt(e, seen(e)))
      .map(idOf),
    // A retired instance that never was routed is named, too: whoever waits for it need not guess.
    unrouted: [
      ...withState('routed', 'returning').filter((e) => e.want !== 'serving'),
      ...withState(undefined).filter((e) => e.want === 'draining'),
    ]
      .filter((e) => !mayBegin(seen(e) ?? { state: 'out' }))
      .map(idOf),
    drained: withState(undefined, 'routed', 'unrouted', 'returning')
      .filter((e) => e.want === 'draining' && seen(e) === undefined)
      .map(idOf),
    weights: Object.fromEntries(
      wanted.flatMap((e) => {
        const weight = seen(e)?.weight;
        if (e.want !== 'serving' || weight === undefined || !isServingAt(e, seen(e))) return [];
        const before = recorded.weights.get(e.instanceId) ?? 1;
        return weight === before ? [] : [[e.instanceId, weight] as const];
      }),
    ),
  };
};

const hostsByApp = (desired: DesiredRoutes): ReadonlyMap<string, readonly string[]> => {
  const hosts = new Map<string, string[]>();
  for (const [host, appId] of desired.hosts) {
    const ofApp = hosts.get(appId);
    if (ofApp === undefined) hosts.set(appId, [host]);
    else ofApp.push(host);
  }
  return hosts;
};
