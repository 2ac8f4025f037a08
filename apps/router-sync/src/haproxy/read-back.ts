import type { HaproxyRuntime } from './runtime.js';
import { parseMap, parseServersState, type HaproxyState, type ServerSlot } from './state.js';
import { FILES } from './file-names.js';
import { showServers, workerIn } from './read.js';

/** Maps whose keys are found as they are; `domains` is changed together with a look at everything. */
const PLAIN = [
  'owners',
  'picks',
  'notices',
  'allowed',
  'policies',
  'networks',
  'sessions',
] as const;
/** Their keys are expressions: asked for one, HAProxy would match it. They are short. */
const EXPRESSIONS = ['matches', 'clients'] as const;

type Name = (typeof PLAIN | typeof EXPRESSIONS)[number];
const nameOf = new Map<string, Name>(
  [...PLAIN, ...EXPRESSIONS].map((name) => [FILES[name] as string, name]),
);

interface MapChange {
  readonly name: Name;
  readonly key: string;
  /** Null: it was taken out. */
  readonly value: string | null;
}

/**
 * What is there after commands that all concern these backends: everything that they touched is read, and has to be as they
 * say. Undefined where it is not, where another worker answers, or where they touched what is not read here.
 */
export const readBack = async (
  runtime: Pick<HaproxyRuntime, 'ask'>,
  worker: string,
  before: HaproxyState,
  commands: readonly string[],
): Promise<HaproxyState | undefined> => {
  const changes = mapChanges(commands);
  if (changes === undefined) return undefined;
  const plain = changes.filter(({ name }) => !isExpression(name));
  const whole = EXPRESSIONS.filter((name) => changes.some((change) => change.name === name));
  const backends = new Set(
    commands.flatMap((command) => / server (\w+)\//.exec(command)?.slice(1) ?? []),
  );
  const [info = '', ...answers] = await runtime.ask([
    'show info',
    ...plain.map(({ name, key }) => `get map ${FILES[name]} ${key}`),
    ...whole.map((name) => `show map ${FILES[name]}`),
    ...[...backends].map(showServers),
  ]);
  const maps = new Map<Name, ReadonlyMap<string, string>>(
    whole.map((name, i) => [name, parseMap(answers[plain.length + i] ?? '')]),
  );
  const valueOf = (change: MapChange): string | null =>
    isExpression(change.name)
      ? (maps.get(change.name)?.get(change.key) ?? null)
      : entryIn(answers[plain.indexOf(change)] ?? '', change.key);
  if (workerIn(info) !== worker) return undefined;
  if (changes.some((change) => valueOf(change) !== change.value)) return undefined;

  const slots = answers.slice(plain.length + whole.length).flatMap(parseServersState);
  return withChanges(before, changes, slots);
};

const withChanges = (
  before: HaproxyState,
  changes: readonly MapChange[],
  slots: readonly ServerSlot[],
): HaproxyState => {
  const maps = Object.fromEntries(
    [...PLAIN, ...EXPRESSIONS].map((name) => [name, new Map(before[name])]),
  ) as Record<Name, Map<string, string>>;
  for (const { name, key, value } of changes) {
    if (value === null) maps[name].delete(key);
    else maps[name].set(key, value);
  }
  const servers = new Map(before.servers);
  for (const slot of slots) servers.set(slot.key, slot);
  // As everywhere, places that nobody has are none.
  for (const key of servers.keys()) if (!maps.owners.has(key)) servers.delete(key);
  return { ...before, ...maps, servers };
};

/** The last of each key; undefined where one is of another map. */
const mapChanges = (commands: readonly string[]): readonly MapChange[] | undefined => {
  const last = new Map<string, MapChange>();
  for (const command of commands.filter((text) => / map /.test(text))) {
    const change = mapChangeIn(command);
    if (change === undefined) return undefined;
    last.set(`${change.name} ${change.key}`, change);
  }
  return [...last.values()];
};

const isExpression = (name: Name): boolean => (EXPRESSIONS as readonly Name[]).includes(name);

const mapChangeIn = (command: string): MapChange | undefined => {
  const [, verb, file = '', key = '', value = ''] =
    /^(add|set|del) map (\S+) (\S+)(?: (.*))?$/.exec(command) ?? [];
  const name = nameOf.get(file);
  if (verb === undefined || name === undefined) return undefined;
  // The runtime API takes one backslash away.
  return { name, key, value: verb === 'del' ? null : value.replaceAll('\\\\', '\\') };
};

/** Found under this key and no shorter one; null where it is not there. */
const entryIn = (answer: string, key: string): string | null => {
  const [, found, value = ''] =
    /found=yes, idx=\w+, key="(.*)", value="(.*)", type=/.exec(answer) ?? [];
  return found === key ? value : null;
};
