import type { RouteState } from '@shiplog/domain';
import type { DesiredEndpoint, DesiredRoutes } from './desired-routes.js';
import { isServingAt, mayBegin } from './plan.js';
import { instanceOf } from './places.js';
import type { ActualEndpoint, ActualRoutes } from './router.port.js';

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
  const wanted = instancesIn(desired);
  const withState = (...states: readonly (RouteState | undefined)[]) =>
    wanted.filter(({ instanceId }) => states.includes(recorded.routes.get(instanceId)));
  const actualOf = placesByInstance(actual);
  /** Wherever a proxy has it, also where it should not be any more. */
  const seen = ({ instanceId }: WantedInstance) => actualOf.get(instanceId) ?? [];
  const isServed = ({ places }: WantedInstance): boolean =>
    places.every((place) => isServingAt(place, actual.endpoints.get(place.instanceId)));
  const idOf = ({ instanceId }: WantedInstance): string => instanceId;

  return {
    routed: withState(undefined, 'unrouted', 'drained', 'returning')
      .filter((e) => e.want === 'serving' && isReached(e.appId) && isServed(e))
      .map(idOf),
    // A retired instance that never was routed is named, too: whoever waits for it need not guess.
    unrouted: [
      ...withState('routed', 'returning').filter((e) => e.want !== 'serving'),
      ...withState(undefined).filter((e) => e.want === 'draining'),
    ]
      .filter((e) => !seen(e).some(mayBegin))
      .map(idOf),
    drained: withState(undefined, 'routed', 'unrouted', 'returning')
      .filter((e) => e.want === 'draining' && seen(e).length === 0)
      .map(idOf),
    weights: Object.fromEntries(
      wanted.flatMap((e) => {
        const [place] = e.places;
        const weight = place && actual.endpoints.get(place.instanceId)?.weight;
        if (e.want !== 'serving' || weight === undefined || !isServed(e)) return [];
        const before = recorded.weights.get(e.instanceId) ?? 1;
        return weight === before ? [] : [[e.instanceId, weight] as const];
      }),
    ),
  };
};

interface WantedInstance {
  readonly instanceId: string;
  readonly appId: string;
  readonly want: DesiredEndpoint['want'];
  readonly places: readonly DesiredEndpoint[];
}

/** The first place is the one for requests, where there is one. */
const instancesIn = ({ endpoints, unplaced }: DesiredRoutes): readonly WantedInstance[] => {
  const byInstance = new Map<string, WantedInstance & { places: DesiredEndpoint[] }>();
  for (const place of endpoints.values()) {
    const instanceId = instanceOf(place.instanceId);
    const known = byInstance.get(instanceId);
    const { appId, want } = place;
    if (known === undefined)
      byInstance.set(instanceId, { instanceId, appId, want, places: [place] });
    else known.places.push(place);
  }
  const others = [...(unplaced ?? [])].map(([instanceId, of]) => ({
    instanceId,
    ...of,
    places: [],
  }));
  return [...byInstance.values(), ...others];
};

const placesByInstance = ({ endpoints }: ActualRoutes): ReadonlyMap<string, ActualEndpoint[]> => {
  const byInstance = new Map<string, ActualEndpoint[]>();
  for (const place of endpoints.values()) {
    const instanceId = instanceOf(place.instanceId);
    const known = byInstance.get(instanceId);
    if (known === undefined) byInstance.set(instanceId, [place]);
    else known.push(place);
  }
  return byInstance;
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
