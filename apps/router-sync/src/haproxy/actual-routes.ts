import { emptyPoolsIn, unlimitedIn } from './looks.js';
import { matchesIn } from './matches.js';
import { noticesIn } from './notices.js';
import type { OldWorkers } from './old-workers.js';
import { policiesIn } from './policies.js';
import { SERVER_PREFIX } from './render.js';
import type { HaproxyRuntime } from './runtime.js';
import type { HaproxyState, ServerSlot } from './state.js';
import { placeIn, portOfProxy } from './tcp.js';
import { portRoute } from '../routes/places.js';
import type { ActualEndpoint, ActualRoutes } from '../routes/router.port.js';

export interface AskableWorkers {
  readonly runtime: HaproxyRuntime;
  readonly oldWorkers: OldWorkers;
}

/**
 * What a worker holds, in the words of all proxies, with what is under way there and with earlier workers. `ports`: those
 * that are served, of which some may lead nowhere.
 */
export const actualRoutes = async (
  { runtime, oldWorkers }: AskableWorkers,
  state: HaproxyState,
  ports: readonly number[],
): Promise<ActualRoutes> => {
  const appOf = (backend: string): string => state.owners.get(backend) ?? '';
  const byApp = <T>(byBackend: ReadonlyMap<string, T>): Map<string, T> =>
    new Map([...byBackend].map(([backend, value]) => [appOf(backend), value]));

  const old = await oldWorkers.underWayAt(state.servers.values());
  const endpoints = new Map<string, ActualEndpoint>();
  for (const slot of state.servers.values()) {
    const instanceId = placeIn(slot.key, state.owners.get(slot.key) ?? '');
    endpoints.set(instanceId, {
      ...endpointAt(slot),
      instanceId,
      appId: appOf(slot.backend),
      state: old.mayServe.has(slot.key) ? 'leaving' : STATE[slot.state],
      sessions: old.sessions.get(slot.key) ?? 0,
    });
  }
  const policies = byApp(policiesIn(state));
  for (const backend of await unlimitedIn(runtime, state)) policies.set(appOf(backend), '');
  return {
    hosts: new Map([...byHost(state, appOf), ...boundPorts(state)]),
    uses: state.uses,
    endpoints,
    matches: byApp(matchesIn(state)),
    policies,
    notices: byApp(noticesIn(state)),
    emptyPools: await emptyPoolsIn(runtime, state, ports),
  };
};

const STATE = { ready: 'serving', drain: 'draining', maint: 'out' } as const;

const endpointAt = ({ address, port, weight, server }: ServerSlot) => ({
  host: address,
  port,
  weight,
  ...(server.startsWith(SERVER_PREFIX.h2c) && { protocol: 'h2c' as const }),
});

const byHost = (
  { hosts }: HaproxyState,
  appOf: (backend: string) => string,
): (readonly [string, string])[] =>
  [...hosts].map(([host, backend]) => [host, appOf(backend)] as const);

/** Ports that lead to an app, among the hosts. */
const boundPorts = ({ owners }: HaproxyState): (readonly [string, string])[] =>
  [...owners].flatMap(([slot, appId]) => {
    const port = slot.includes('/') ? undefined : portOfProxy(slot);
    return port === undefined ? [] : [[portRoute(port), appId] as const];
  });
