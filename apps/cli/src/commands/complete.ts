import { pause, type ShiplogClient } from '@shiplog/api-client';
import { defineCommand, type CommandSpec, type Invocation, type Shared } from '../command.js';
import type { Entry } from '../entry.js';
import { printableLine } from '../render/printable.js';

/** Candidates for the last word, one per line: called by the completion scripts. */
export const completeFrom = (catalogue: readonly Entry[]): CommandSpec =>
  defineCommand({
    name: '__complete',
    args: [['[words...]', 'the command line so far, without `shiplog`']],
    summary: 'candidates for shell completion',
    examples: [['__complete -- apps s', 'show']],
    hidden: true,
    run: async (invocation) => {
      const candidates = await candidatesFor(catalogue, invocation.args, invocation);
      const last = invocation.args.at(-1) ?? '';
      const fitting = candidates.filter((candidate) => candidate.startsWith(last));
      for (const candidate of fitting) invocation.io.stdout.write(`${printableLine(candidate)}\n`);
    },
  });

const candidatesFor = async (
  catalogue: readonly Entry[],
  words: readonly string[],
  invocation: Invocation,
): Promise<readonly string[]> => {
  const before = words.slice(0, -1);
  const last = words.at(-1) ?? '';
  const previous = before.at(-1);
  if (previous === '-a' || previous === '--app') return appNames(invocation);
  const entry = catalogue.find(({ name }) => name === before[0]);
  if (entry === undefined) return before.length === 0 ? visible(catalogue) : [];
  const loaded = await entry.load();
  if (!('commands' in loaded)) return wordsOf(loaded, last, invocation);
  const verb = loaded.commands.find(({ name }) => name === before[1]);
  if (verb !== undefined) return wordsOf(verb, last, invocation);
  return before.length === 1 ? loaded.commands.map(({ name }) => name) : [];
};

const visible = (entries: readonly Entry[]): string[] =>
  entries.filter(({ hidden }) => hidden !== true).map(({ name }) => name);

const SHARED: Readonly<Record<Shared, readonly string[]>> = {
  app: ['-a', '--app'],
  reason: ['-m', '--reason'],
  wait: ['--no-wait'],
  at: ['--at'],
  override: ['--override-lock', '--override-freeze'],
};

const wordsOf = async (
  spec: CommandSpec,
  last: string,
  invocation: Invocation,
): Promise<readonly string[]> => {
  if (last.startsWith('-')) {
    const own = (spec.options ?? []).flatMap(
      ({ flags }) => flags.match(/-{1,2}[a-z][a-z-]*/g) ?? [],
    );
    return [...own, ...(spec.takes ?? []).flatMap((shared) => SHARED[shared]), '--json', '--help'];
  }
  if (spec.name === 'completion') return ['bash', 'zsh', 'fish'];
  return spec.args?.[0]?.[0] === '[app]' ? appNames(invocation) : [];
};

const PATIENCE_MS = 1500;

/** None when they do not come at once: nobody waits long for a completion. */
const appNames = async ({ client, io }: Invocation): Promise<string[]> => {
  try {
    const late = pause(PATIENCE_MS, io.signal).then(() => [] as string[]);
    return await Promise.race([namesOf(await client()), late]);
  } catch (error) {
    if (error instanceof Error) return [];
    throw error;
  }
};

const namesOf = async (client: ShiplogClient): Promise<string[]> =>
  (await client.apps.list({})).map(({ name }) => name);
