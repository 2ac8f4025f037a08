import { domainsIn } from './domains.js';
import type { HaproxyRuntime } from './runtime.js';
import { parseMap, parseServersState, type HaproxyState, type ServerSlot } from './state.js';
import { FILES } from './file-names.js';
import { BACKEND_PREFIX, SERVER_PREFIX, type PoolSize } from './render.js';

const MAPS = [
  'domains',
  'owners',
  'matches',
  'picks',
  'notices',
  'allowed',
  'policies',
  'networks',
  'clients',
  'sessions',
] as const;

/**
 * Hosts, owners and the slots that somebody owns. `likely`: backends to ask for together with the maps;
 * a right guess saves a round trip.
 */
export const readState = async (
  runtime: HaproxyRuntime,
  likely: readonly string[] = [],
): Promise<HaproxyState> => {
  const answers = await runtime.ask([
    ...MAPS.map((map) => `show map ${FILES[map]}`),
    ...likely.map(showServers),
  ]);
  const { domains, ...others } = Object.fromEntries(
    MAPS.map((map, i) => [map, parseMap(answers[i] ?? '')]),
  ) as Readonly<Record<(typeof MAPS)[number], Map<string, string>>>;
  const maps = { ...domainsIn(domains), ...others };
  const states = answers.slice(MAPS.length);
  const missing = backendsOf(maps.owners).filter((backend) => !likely.includes(backend));
  states.push(...(await runtime.ask(missing.map(showServers))));
  const servers = new Map<string, ServerSlot>();
  for (const slot of states.flatMap(parseServersState)) {
    if (maps.owners.has(slot.key)) servers.set(slot.key, slot);
  }
  return { ...maps, servers };
};

/** How many places a running HAProxy has; the platform's own backend is none. */
export const readPoolSize = async (runtime: HaproxyRuntime): Promise<PoolSize> => {
  const [text = ''] = await runtime.ask(['show servers state']);
  const slots = parseServersState(text);
  const servers = new Set(slots.map(({ server }) => server));
  const those = (names: ReadonlySet<string>, prefix: string): number =>
    [...names].filter((name) => new RegExp(`^${prefix}\\d+$`).test(name)).length;
  return {
    backends: those(new Set(slots.map(({ backend }) => backend)), BACKEND_PREFIX),
    servers: those(servers, SERVER_PREFIX.http),
    h2Servers: those(servers, SERVER_PREFIX.h2c),
  };
};

export const showServers = (backend: string): string => `show servers state ${backend}`;

/** Backends that belong to an app. */
export const backendsOf = (owners: ReadonlyMap<string, string>): string[] =>
  [...owners.keys()].filter((slot) => !slot.includes('/'));
