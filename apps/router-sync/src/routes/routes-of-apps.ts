import type { ActualRoutes } from './router.port.js';

/** What of it concerns these apps. */
export const routesOfApps = (
  { hosts, uses, endpoints, matches, policies, notices, emptyPools }: ActualRoutes,
  appIds: ReadonlySet<string>,
): ActualRoutes => {
  const own = new Map([...hosts].filter(([, appId]) => appIds.has(appId)));
  return {
    hosts: own,
    uses: new Map([...uses].filter(([host]) => own.has(host))),
    endpoints: new Map([...endpoints].filter(([, { appId }]) => appIds.has(appId))),
    matches: some(matches, appIds),
    policies: some(policies, appIds),
    notices: some(notices, appIds),
    emptyPools: some(emptyPools, appIds),
  };
};

const some = <T>(byApp: ReadonlyMap<string, T>, appIds: ReadonlySet<string>): Map<string, T> =>
  new Map([...byApp].filter(([appId]) => appIds.has(appId)));
