import { domainsIn } from './domains.js';
import type { HaproxyRuntime } from './runtime.js';
import { parseMap, parseServersState, type HaproxyState, type ServerSlot } from './state.js';
import { FILES } from './file-names.js';
import { portOfProxy } from './tcp.js';
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

/** Slots as they were read, by backend, and the worker that said so. */
export interface KnownSlots {
  readonly worker: string;
  readonly byBackend: Map<string, readonly ServerSlot[]>;
  /** Backends that were touched since: asked for together with the maps, which saves a round trip. */
  readonly touched: Set<string>;
}

export interface Reading {
  readonly state: HaproxyState;
  readonly known: KnownSlots;
}

/**
 * Hosts, owners and the slots that somebody owns. What is `known` of a backend is not read again while the same
 * worker serves: only we change slots, and whoever does leaves what he touched out of it.
 */
export const readState = async (
  runtime: HaproxyRuntime,
  known: KnownSlots = { worker: '', byBackend: new Map(), touched: new Set() },
): Promise<Reading> => {
  const touched = [...known.touched];
  const [info = '', ...answers] = await runtime.ask([
    'show info',
    ...MAPS.map((map) => `show map ${FILES[map]}`),
    ...touched.map(showServers),
  ]);
  const { domains, ...others } = Object.fromEntries(
    MAPS.map((map, i) => [map, parseMap(answers[i] ?? '')]),
  ) as Readonly<Record<(typeof MAPS)[number], Map<string, string>>>;
  const maps = { ...domainsIn(domains), ...others };
  const worker = workerIn(info);
  const byBackend = new Map(worker === known.worker ? known.byBackend : []);
  touched.forEach((backend, i) =>
    byBackend.set(backend, parseServersState(answers[MAPS.length + i] ?? '')),
  );
  const owned = new Set(backendsOf(maps.owners));
  const missing = [...owned].filter((backend) => !byBackend.has(backend));
  for (const [backend, slots] of await slotsOf(missing, runtime)) byBackend.set(backend, slots);
  for (const backend of byBackend.keys()) if (!owned.has(backend)) byBackend.delete(backend);
  const servers = new Map<string, ServerSlot>();
  for (const slots of byBackend.values()) {
    for (const slot of slots) if (maps.owners.has(slot.key)) servers.set(slot.key, slot);
  }
  return { state: { ...maps, servers }, known: { worker, byBackend, touched: new Set() } };
};

/** From here on all of it is asked for at once: ten thousand questions take HAProxy twice as long. */
const MANY_BACKENDS = 256;

const slotsOf = async (
  backends: readonly string[],
  runtime: HaproxyRuntime,
): Promise<ReadonlyMap<string, readonly ServerSlot[]>> => {
  const isMany = backends.length >= MANY_BACKENDS;
  const answers = await runtime.ask(isMany ? ['show servers state'] : backends.map(showServers));
  const found = new Map<string, ServerSlot[]>(backends.map((backend) => [backend, []]));
  for (const slot of answers.flatMap(parseServersState)) found.get(slot.backend)?.push(slot);
  return found;
};

/** A process, and when it began: in a container each has the pid of the one before. */
export const workerIn = (info: string): string =>
  ['Pid', 'Start_time_sec']
    .map((name) => new RegExp(`^${name}: \\d+$`, 'm').exec(info)?.[0])
    .join();

/** How many places a running HAProxy has; the platform's own backend is none. */
export const readPoolSize = async (runtime: HaproxyRuntime): Promise<PoolSize> => {
  const [text = ''] = await runtime.ask(['show servers state']);
  const slots = parseServersState(text);
  const servers = new Set(slots.map(({ server }) => server));
  const those = (names: ReadonlySet<string>, prefix: string): number =>
    [...names].filter((name) => new RegExp(`^${prefix}\\d+$`).test(name)).length;
  const ports = [...new Set(slots.flatMap(({ backend }) => portOfProxy(backend) ?? []))];
  return {
    ...(ports.length > 0 && { ports: ports.toSorted((a, b) => a - b) }),
    backends: those(new Set(slots.map(({ backend }) => backend)), BACKEND_PREFIX),
    servers: those(servers, SERVER_PREFIX.http),
    h2Servers: those(servers, SERVER_PREFIX.h2c),
  };
};

export const showServers = (backend: string): string => `show servers state ${backend}`;

/** Backends that belong to an app, or have an instance of one still. */
export const backendsOf = (owners: ReadonlyMap<string, string>): string[] => [
  ...new Set([...owners.keys()].map((slot) => slot.replace(/\/.*$/, ''))),
];
