import { listPrefixes, ruleValues, userValues } from '../routes/traffic-rules.js';
import type { TrafficRules } from '../routes/router.port.js';
import type { HaproxyState } from './state.js';
import { FILES } from './file-names.js';

type Maps = Pick<HaproxyState, 'policies' | 'networks' | 'clients'>;
const MAPS = ['policies', 'networks', 'clients'] as const;
type Entry = readonly [map: (typeof MAPS)[number], key: string, value: string];

/** The name of the rules that a HAProxy has of each backend; of those that are not whole an empty one. */
export const policiesIn = (maps: Maps): ReadonlyMap<string, string> => {
  const sizes = new Map<string, number>();
  for (const map of MAPS) {
    for (const key of maps[map].keys()) {
      const name = nameIn(key);
      if (name !== undefined) sizes.set(name, (sizes.get(name) ?? 0) + 1);
    }
  }
  const found = new Map<string, string>();
  for (const [backend, name] of maps.policies) {
    if (name !== nameOf(backend, name.slice(backend.length + 1))) continue;
    const isWhole = Number(maps.policies.get(`${name}/size`)) === sizes.get(name);
    found.set(backend, isWhole ? name.slice(backend.length + 1) : '');
  }
  return found;
};

/** Requests that each server of a backend may have in hand; 0: any number. */
export const maxconnOf = ({ policies }: Pick<Maps, 'policies'>, backend: string): number =>
  Number(policies.get(`${policies.get(backend) ?? ''}/concurrency`) ?? 0);

/**
 * Commands that make a backend have these rules and no others. The new ones are all there before one word
 * makes them those of the backend, so that no request finds half of them.
 */
export const policyCommands = (
  maps: Maps,
  backend: string,
  rules: TrafficRules,
): readonly string[] => {
  const name = nameOf(backend, rules.id);
  const wanted = entriesOf(name, rules);
  const named = [...wanted, ['policies', backend, name] as const];
  return [
    ...named.flatMap((entry) => putCommands(maps, entry)),
    ...staleCommands(maps, backend, new Set(wanted.map(([map, key]) => `${map} ${key}`))),
  ];
};

export const unpolicyCommands = (maps: Maps, backend: string): readonly string[] => [
  ...(maps.policies.has(backend) ? [`del map ${FILES.policies} ${backend}`] : []),
  ...staleCommands(maps, backend, new Set()),
];

const entriesOf = (name: string, rules: TrafficRules): readonly Entry[] => {
  const values = ruleValues(rules);
  const by = values.get('by');
  const entries: readonly Entry[] = [
    ...[...values].map(([key, value]): Entry => ['policies', `${name}/${key}`, value]),
    ...userValues(rules).map(([user, hash]): Entry => ['policies', `${name}/user/${user}`, hash]),
    ...(['allow', 'deny'] as const).flatMap((list) =>
      listPrefixes(rules, list).map((start): Entry => [
        'networks',
        `${name}/${list}${start}`,
        'on',
      ]),
    ),
    ...(by === undefined ? [] : [['clients', clientPattern(name, by), CLIENT] as const]),
  ];
  return [...entries, ['policies', `${name}/size`, String(entries.length + 1)]];
};

/** What an expression over `<name>|<head of the request>` found: the value of a header. */
const CLIENT = '\\2';
const clientPattern = (name: string, header: string): string =>
  `(?s)^${name.replace('.', '[.]')}[|](.*[[:cntrl:]])?${header}:[[:blank:]]*([^[:cntrl:]]{1,64})`;

const nameOf = (backend: string, id: string): string => `${backend}.${id}`;
/** `slot0001.<id>/rate`, or the same within an expression. */
const nameIn = (key: string): string | undefined => {
  const [, backend, id] =
    /^(?:\(\?s\)\^)?([a-z0-9]+)(?:\.|\[\.\])([0-9a-f]{16})[/[]/.exec(key) ?? [];
  return backend === undefined || id === undefined ? undefined : nameOf(backend, id);
};

const putCommands = (maps: Maps, [map, key, value]: Entry): readonly string[] => {
  const now = maps[map].get(key);
  if (now === value) return [];
  // The runtime API takes one backslash away.
  const text = value.replaceAll('\\', '\\\\');
  return [`${now === undefined ? 'add' : 'set'} map ${FILES[map]} ${key} ${text}`];
};

/** All that is there of a backend but for what is wanted. */
const staleCommands = (
  maps: Maps,
  backend: string,
  wanted: ReadonlySet<string>,
): readonly string[] =>
  MAPS.flatMap((map) =>
    [...maps[map].keys()]
      .filter((key) => nameIn(key)?.startsWith(`${backend}.`) === true)
      .filter((key) => !wanted.has(`${map} ${key}`))
      .map((key) => `del map ${FILES[map]} ${key}`),
  );
