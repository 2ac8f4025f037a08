import { maxconnOf } from './policies.js';
import { backendsOf } from './read.js';
import type { HaproxyRuntime } from './runtime.js';
import { parseLimits, parseSessions, type HaproxyState } from './state.js';
import { portOfProxy, portProxyName } from './tcp.js';
import { portRoute } from '../routes/places.js';

/** Backends whose servers have not the limit that their policy says: HAProxy forgets it with every start. */
export const unlimitedIn = async (
  runtime: HaproxyRuntime,
  state: HaproxyState,
): Promise<readonly string[]> => {
  const limited = backendsOf(state.owners).filter((backend) => maxconnOf(state, backend) > 0);
  if (limited.length === 0) return [];
  const answers = await runtime.ask(limited.map((backend) => `show stat ${backend} 4 -1`));
  return limited.filter((backend, i) => {
    const limits = parseLimits(answers[i] ?? '');
    return limits.some((limit) => limit !== maxconnOf(state, backend));
  });
};

/** Backends and ports that lead nowhere, by app or route, with the requests or connections that are under way there. */
export const emptyPoolsIn = async (
  runtime: HaproxyRuntime,
  state: HaproxyState,
  ports: readonly number[],
): Promise<ReadonlyMap<string, number>> => {
  const inUse = new Set([
    ...state.hosts.values(),
    ...[...state.owners.keys()].filter((slot) => slot.includes('/')).map(backendOf),
  ]);
  const owned = new Set(backendsOf(state.owners));
  const empty = [
    ...[...state.owners].filter(
      ([slot]) => !slot.includes('/') && portOfProxy(slot) === undefined && !inUse.has(slot),
    ),
    ...ports
      .filter((port) => !owned.has(portProxyName(port)))
      .map((port) => [portProxyName(port), portRoute(port)] as const),
  ];
  if (empty.length === 0) return new Map();
  const answers = await runtime.ask(empty.map(([slot]) => `show stat ${slot} 2 -1`));
  return new Map(empty.map(([, id], i) => [id, parseSessions(answers[i] ?? '')]));
};

const backendOf = (slot: string): string => slot.slice(0, slot.indexOf('/'));
