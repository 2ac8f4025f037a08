import { domainsIn } from './domains.js';
import type { HaproxyRuntime } from './runtime.js';
import { parseMap, parseServersState, type HaproxyState, type ServerSlot } from './state.js';
import { FILES } from './file-names.js';
import { type PoolSize } from './render.js';

/**
 * Hosts, owners and the slots that somebody owns. `likely`: backends to ask for together with the maps;
 * a right guess saves a round trip.
 */
export const readState = async (
  runtime: HaproxyRuntime,
  likely: readonly string[] = [],
): Promise<HaproxyState> => {
  const [
    domains = '',
    owners = '',
    matches = '',
    picks = '',
    notices = '',
    allowed = '',
    ...states
  ] = await runtime.ask([
    `show map ${FILES.domains}`,
    `show map ${FILES.owners}`,
    `show map ${FILES.matches}`,
    `show map ${FILES.picks}`,
    `show map ${FILES.notices}`,
    `show map ${FILES.allowed}`,
    ...likely.map(showServers),
  ]);
  const maps = {
    ...domainsIn(parseMap(domains)),
    owners: parseMap(owners),
    matches: parseMap(matches),
    picks: parseMap(picks),
    notices: parseMap(notices),
    allowed: parseMap(allowed),
  };
  const missing = backendsOf(maps.owners).filter((backend) => !likely.includes(backend));
  states.push(...(await runtime.ask(missing.map(showServers))));
  const servers = new Map<string, ServerSlot>();
  for (const slot of states.flatMap(parseServersState)) {
    if (maps.owners.has(slot.key)) servers.set(slot.key, slot);
  }
  return { ...maps, servers };
};

/** How many places a running HAProxy has. */
export const readPoolSize = async (runtime: HaproxyRuntime): Promise<PoolSize> => {
  const [text = ''] = await runtime.ask(['show servers state']);
  const slots = parseServersState(text);
  return {
    backends: new Set(slots.map(({ backend }) => backend)).size,
    servers: new Set(slots.map(({ server }) => server)).size,
  };
};

export const showServers = (backend: string): string => `show servers state ${backend}`;

/** Backends that belong to an app. */
export const backendsOf = (owners: ReadonlyMap<string, string>): string[] =>
  [...owners.keys()].filter((slot) => !slot.includes('/'));
