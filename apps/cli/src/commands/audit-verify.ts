import type { SigningState, VerificationLine } from '@shiplog/api-client';
import { defineCommand, type Invocation } from '../command.js';
import { CliError, EXIT, usageError } from '../exit-code.js';
import { createProgressLine } from '../progress/progress-view.js';
import { printableLine } from '../render/printable.js';
import type { Column } from '../render/table.js';
import { relativeTime } from '../render/time.js';

type WitnessReport = NonNullable<VerificationLine['witnesses']>[number];

const parseKey = (text: string): string => {
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return text;
  throw usageError(
    '--key: this is no public key',
    '`shiplog audit key` prints one: 44 characters.',
  );
};

const witnessColumns: readonly Column<WitnessReport>[] = [
  { title: 'witness', value: ({ name }) => name },
  { title: 'says', value: ({ state }) => state },
  { title: 'commits', value: ({ commits }) => String(commits) },
  { title: 'up to', value: ({ upTo }) => upTo },
  { title: 'problem', value: ({ problem }) => problem },
];

export const verify = defineCommand<{ key?: string }>({
  name: 'verify',
  summary: 'check that nobody changed the past',
  details:
    'Every commit against its hash, the chain of its aggregate, and the signed checkpoints of every witness. ' +
    'Names the first bad sequence and what happened to it: altered, missing, inserted, reordered, truncated, ' +
    'forked or rolled back. What no witness has seen can be found by the chains alone. Offline and without ' +
    'trusting this platform: shiplog log export, then tools/verify-log. Administrators only.',
  examples: [
    ['audit verify', 'exit code 0: nothing is wrong'],
    ['audit verify --key Qm9i…=', 'do not believe checkpoints of another key'],
  ],
  options: [
    {
      flags: '--key <key>',
      help: 'the public key that the first checkpoint must be signed with',
      parse: parseKey,
    },
  ],
  run: async (invocation) => {
    const { out } = invocation;
    const result = await resultOf(invocation);
    const { kind: _kind, total: _total, ...shown } = result;
    out.json(shown);
    const { ok, checked, firstBad, witnesses = [], resets = [] } = result;
    for (const { time, commits, checkpoint } of resets) {
      out.line(`${time}: an operator went on with ${commits} commits (checkpoint ${checkpoint}).`);
    }
    await out.table(witnesses, witnessColumns, 'Nobody testifies to this log yet.');
    out.line();
    if (ok === true) {
      out.line(out.colors.green(`${checked} commits, nothing is wrong.`));
      return EXIT.done;
    }
    const what =
      firstBad == null
        ? 'a witness is damaged or contradicts another one'
        : `${firstBad.sequence} is ${firstBad.kind}: ${printableLine(firstBad.detail)}`;
    out.line(out.colors.red(`${checked} commits; ${what}.`));
    out.line('What to do: docs/integrity.md.');
    return EXIT.failed;
  },
});

const resultOf = async ({
  client,
  options,
  io,
  out,
}: Invocation<{ key?: string }>): Promise<VerificationLine> => {
  const api = await client();
  const line = createProgressLine(io, out);
  try {
    for await (const told of api.verifyLog({
      ...(options.key !== undefined && { key: options.key }),
    })) {
      if (told.kind === 'result') return told;
      line.show(
        `checking ${told.checked.toLocaleString('en')} of ${(told.total ?? 0).toLocaleString('en')} commits`,
      );
    }
  } finally {
    line.close();
  }
  throw new CliError(
    EXIT.unknown,
    'verification-incomplete',
    'the verification ended without a result',
    {
      remedy: 'Try again; if it stays, see the log of the api.',
    },
  );
};

const show = (
  { out, io }: Pick<Invocation, 'out' | 'io'>,
  { firstKey, key, newest, copies, problem }: SigningState,
): void => {
  out.fields([
    ['First key', firstKey],
    ['Key now', key],
    [
      'Newest',
      newest &&
        `checkpoint ${newest.number} over ${newest.commits} commits, ${relativeTime(newest.time, io.now())}`,
    ],
    ['Problem', problem],
  ]);
  for (const copy of copies) {
    const state = copy.problem ?? `has checkpoint ${copy.number ?? 'none'}`;
    out.fields([['Witness', `${copy.name}: ${state}`]]);
  }
};

export const signingKey = defineCommand({
  name: 'key',
  summary: 'print the public key that signs checkpoints, and who keeps them',
  details:
    'Write the first key down elsewhere: `audit verify --key` and tools/verify-log --key pin it.',
  examples: [['audit key --json', 'for a program']],
  run: async ({ client, out, io }) => {
    const state = await (await client()).audit.signing();
    out.json(state);
    show({ out, io }, state);
  },
});

export const rotateKey = defineCommand({
  name: 'rotate-key',
  summary: 'let another key sign checkpoints from now on',
  details:
    'The old key signs for the new one, so that the first key, once pinned, is enough for ever.',
  examples: [['audit rotate-key', 'after somebody left who could read the old one']],
  takes: ['reason'],
  run: async ({ client, change, out, io }) => {
    const state = await (await client()).audit.rotateKey(change);
    out.json(state);
    show({ out, io }, state);
  },
});
