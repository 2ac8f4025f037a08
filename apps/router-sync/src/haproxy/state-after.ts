import { isDeepStrictEqual } from 'node:util';
import { domainsIn } from './domains.js';
import { FILES } from './file-names.js';
import type { HaproxyState, ServerSlot } from './state.js';

const MAPS = [
  'domains',
  'owners',
  'matches',
  'picks',
  'policies',
  'networks',
  'clients',
  'sessions',
  'notices',
  'allowed',
] as const;

type Maps = Record<(typeof MAPS)[number], Map<string, string>>;
const nameOf = new Map<string, keyof Maps>(MAPS.map((name) => [FILES[name], name]));

export interface StateAfter {
  readonly state: HaproxyState;
  /** What no file can hold: it has to be said when the state is there. */
  readonly rest: readonly string[];
}

/**
 * What a HAProxy in which nobody has anything holds after these commands: as files it is there at once with the start of
 * a worker, while as commands each takes a look into its maps. Undefined where a command is none of those that are known.
 */
export const stateAfter = (commands: readonly string[]): StateAfter | undefined => {
  const maps = Object.fromEntries(MAPS.map((name) => [name, new Map()])) as Maps;
  const servers = new Map<string, Place>();
  const rest: string[] = [];
  for (const command of commands) {
    if (change(maps, servers, command)) continue;
    if (!command.startsWith('set maxconn ')) return undefined;
    rest.push(command);
  }
  const { domains, ...others } = maps;
  const slots = new Map([...servers].map(([key, place]) => [key, slotOf(key, place)]));
  return { state: { ...domainsIn(domains), ...others, servers: slots }, rest };
};

/** False for what is not known. A quarter of a million of them: no words are copied that are not kept. */
const change = (maps: Maps, servers: Map<string, Place>, command: string): boolean => {
  const words = command.split(' ');
  const [verb = '', kind, name = '', word = ''] = words;
  const map = kind === 'map' ? nameOf.get(name) : undefined;
  if (map !== undefined) return changeMap(maps[map], verb, word, words);
  if (verb !== 'set' || kind !== 'server') return false;
  let place = servers.get(name);
  if (place === undefined) servers.set(name, (place = { ...NOBODY }));
  return changePlace(place, word, words);
};

const changeMap = (
  map: Map<string, string>,
  verb: string,
  key: string,
  words: readonly string[],
): boolean => {
  if (verb === 'del') return map.delete(key);
  map.set(key, unescaped(words.length === 5 ? (words[4] ?? '') : words.slice(4).join(' ')));
  return true;
};

/** The runtime API takes one backslash away. */
const unescaped = (value: string): string =>
  value.includes('\\') ? value.replaceAll('\\\\', '\\') : value;

interface Place {
  address: string;
  port: number;
  weight: number;
  state: ServerSlot['state'];
}
const NOBODY: Place = { address: '127.0.0.1', port: 1, weight: 1, state: 'maint' };

/** `set server <name> addr <address> port <port>`, or one more word. */
const changePlace = (place: Place, word: string, words: readonly string[]): boolean => {
  const value = words[4] ?? '';
  if (word === 'addr') {
    place.address = value;
    place.port = Number(words[6]);
  } else if (word === 'weight') place.weight = Number(value);
  else if (word === 'state') place.state = value as ServerSlot['state'];
  else return false;
  return true;
};

/** Bits of `srv_admin_state`: maintenance by the configuration, which every place has; forced; drained. */
const ADMIN = { ready: 4, maint: 5, drain: 12 } as const;
/** `srv_op_state`: stopped, running. */
const OPERATION = { ready: 2, maint: 0, drain: 2 } as const;

/** Numbers of backends and servers are the worker's own: it finds a line by their names. */
const slotOf = (key: string, { address, port, weight, state }: Place): ServerSlot => {
  const [backend = '', server = ''] = key.split('/');
  return {
    key,
    backend,
    server,
    backendId: 0,
    serverId: 0,
    address,
    port,
    state,
    weight,
    line: `0 ${backend} 0 ${server} ${address} ${OPERATION[state]} ${ADMIN[state]} ${weight} 1 0 1 0 1 6 0 0 0 instance.invalid ${port} - 0 0 - - 0`,
  };
};

/** Does a worker hold what was meant? */
export const holdsAll = (state: HaproxyState, meant: HaproxyState): boolean =>
  state.servers.size === meant.servers.size &&
  [...meant.servers.values()].every(({ key, ...slot }) => {
    const found = state.servers.get(key);
    return (['address', 'port', 'weight', 'state'] as const).every(
      (is) => found?.[is] === slot[is],
    );
  }) &&
  (Object.keys(meant) as (keyof HaproxyState)[])
    .filter((field) => field !== 'servers')
    .every((field) => isDeepStrictEqual(state[field], meant[field]));
