import type { DomainUse } from '@shiplog/events';
import type { Notice } from '../routes/notice.js';
import type { ActualEndpoint, ActualRoutes, Match } from '../routes/router.port.js';
import type { NginxAnswer, NginxInstance, NginxTable } from './table.js';

/** What is read of an nginx at one moment. */
export interface Seen extends Pick<NginxAnswer, 'sessions'> {
  readonly table: NginxTable;
  /** Workers of a master that was killed: may they begin a request, and how many at most are under way there. */
  readonly earlier: { readonly mayBegin: boolean; readonly sessions: number };
}

export const allRoutes = (seen: Seen): ActualRoutes =>
  routesOf(new Set([...seen.table.apps.keys(), ...seen.table.hostsOf.keys()]), seen);

/** What it holds of some apps, in the words of all proxies. Maps of its own: the table goes on changing. */
export const routesOf = (appIds: Iterable<string>, seen: Seen): ActualRoutes => {
  const { table } = seen;
  const routes = {
    hosts: new Map<string, string>(),
    uses: new Map<string, DomainUse>(),
    endpoints: new Map<string, ActualEndpoint>(),
    matches: new Map<string, Match>(),
    policies: new Map<string, string>(),
    notices: new Map<string, Notice>(),
    emptyPools: new Map<string, number>(),
  };
  for (const appId of appIds) {
    const instances = table.apps.get(appId);
    const hosts = table.hostsOf.get(appId);
    for (const instance of instances?.values() ?? [])
      routes.endpoints.set(instance.instanceId, endpointOf(instance, seen));
    for (const host of hosts ?? []) {
      routes.hosts.set(host, appId);
      put(routes.uses, host, table.uses.get(host));
    }
    put(routes.matches, appId, table.matches.get(appId));
    put(routes.policies, appId, table.policies.get(appId)?.replace(/ .*/s, ''));
    put(routes.notices, appId, table.notices.get(appId));
    if (instances?.size === 0 && hosts === undefined) routes.emptyPools.set(appId, 0);
  }
  return routes;
};

const endpointOf = (instance: NginxInstance, { sessions, earlier }: Seen): ActualEndpoint => {
  if (instance.state === 'serving') return instance;
  const underWay = (sessions.get(instance.instanceId) ?? 0) + earlier.sessions;
  return { ...instance, sessions: underWay, ...(earlier.mayBegin ? LEAVING : {}) };
};

const put = <T>(map: Map<string, T>, key: string, value: T | undefined): void => {
  if (value !== undefined) map.set(key, value);
};

const LEAVING = { state: 'leaving' } as const;
