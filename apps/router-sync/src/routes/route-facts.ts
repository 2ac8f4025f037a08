import type { RouteState } from '@shiplog/domain';
import type { DesiredRoutes } from './desired-routes.js';
import { isServingAt } from './plan.js';
import type { ActualRoutes } from './router.port.js';

export interface RouteFacts {
  readonly routed: readonly string[];
  readonly unrouted: readonly string[];
  readonly drained: readonly string[];
}

/** What the proxy was seen to do and the log does not say yet. Only of instances that the log still names. */
export const routeFacts = (
  desired: DesiredRoutes,
  actual: ActualRoutes,
  recorded: Readonly<Record<string, RouteState>>,
): RouteFacts => {
  const facts = {
    routed: [] as string[],
    unrouted: [] as string[],
    drained: [] as string[],
  };
  const hostsOf = hostsByApp(desired);
  for (const wanted of desired.endpoints.values()) {
    const { instanceId, appId } = wanted;
    const state = recorded[instanceId];
    const seen = actual.endpoints.get(instanceId);
    switch (wanted.want) {
      case 'serving': {
        const hosts = hostsOf.get(appId) ?? [];
        const isReached = hosts.length > 0 && hosts.every((h) => actual.hosts.get(h) === appId);
        if (state !== 'routed' && isReached && isServingAt(wanted, seen)) {
          facts.routed.push(instanceId);
        }
        break;
      }
      case 'suspended':
        if (state === 'routed' && seen?.state !== 'serving') facts.unrouted.push(instanceId);
        break;
      case 'draining':
        if (seen?.state === 'serving' || state === 'drained') break;
        if (state !== 'unrouted') facts.unrouted.push(instanceId);
        if (seen === undefined) facts.drained.push(instanceId);
        break;
    }
  }
  return facts;
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
