import type { ShiplogClient, UndoProposal } from '@shiplog/api-client';
import { defineCommand, type Invocation } from '../command.js';
import { CliError, EXIT, usageError } from '../exit-code.js';
import { printableLine } from '../render/printable.js';
import { relativeTime } from '../render/time.js';
import { settle } from '../settle.js';
import { ask } from '../terminal/ask.js';

interface UndoOptions {
  readonly plan?: boolean;
  readonly yes?: boolean;
  readonly force?: boolean;
}
type Part = UndoProposal['leaves'][number];

export const undo = defineCommand<UndoOptions>({
  name: 'undo',
  args: [
    ['<sequence>', 'any event of the change, from `shiplog events` or `shiplog replay --diff`'],
  ],
  summary: 'take one change back',
  details:
    'Shows what would take it back and what follows, asks, and sends that as an ordinary change of today, with ' +
    '"undo of SEQUENCE" as its reason: the log keeps both, and an undo can be undone. What was changed again since ' +
    'stays as it is, except with --force. Where anything changed between the question and the answer, nothing is ' +
    'done. Config values are brought back without being shown. With --json and without --yes it only shows. Exit ' +
    'code 4: cannot be taken back; 5: all of it was changed again since, or something changed meanwhile.',
  examples: [
    ['undo 00000000000000000042-0000', 'shows it, and asks'],
    ['undo 42 --plan', 'only shows it'],
    ['undo 42 --yes -m "broke the checkout"', 'without asking, for scripts'],
  ],
  options: [
    { flags: '--plan', help: 'show what would be done, and do nothing' },
    { flags: '-y, --yes', help: 'do not ask' },
    { flags: '--force', help: 'take back what was changed again since, too' },
  ],
  takes: ['reason', 'wait', 'override'],
  run: async (invocation) => {
    const { client, out, change } = invocation;
    const { isOnlyShown, isSure, force } = modeOf(invocation);
    const sequence = parseSequence(invocation.args[0] ?? '');
    const { undo: api } = await client();
    const proposal = await api.propose(sequence, force);
    const willDo = proposal.outcome === 'possible' && !isOnlyShown;
    // What is done is told once it is done.
    if (!willDo) out.json(proposal);
    show(invocation, proposal);
    refuse(proposal);
    if (!willDo) return;
    if (!isSure) await confirm(invocation, sequence, force);
    const plan = proposal.plan === null ? {} : { plan: proposal.plan };
    await finish(invocation, proposal, await api.send(sequence, { force, ...plan }, change));
  },
});

const modeOf = ({ options, out }: Invocation<UndoOptions>) => {
  const { plan = false, yes: isSure = false, force = false } = options;
  if (plan && isSure) throw usageError('--plan does nothing, --yes does it: give one of them');
  return { isOnlyShown: plan || (out.isJson && !isSure), isSure, force };
};

const finish = async (
  invocation: Invocation,
  { sequence }: UndoProposal,
  answer: Awaited<ReturnType<ShiplogClient['undo']['send']>>,
): Promise<void> => {
  const { out } = invocation;
  out.note(`Taken back at ${answer.sequence}.`);
  if (answer.app !== null && answer.settles) {
    await settle(invocation, answer.app, answer, `Took ${sequence} back`);
    return;
  }
  out.json({ ...answer, settled: true });
  out.line(`Took ${sequence} back.`);
};

const parseSequence = (text: string): string => {
  if (/^\d{1,20}(?:-\d{4})?$/.test(text)) return text;
  throw usageError(
    `"${text}" is not a sequence`,
    'Write 42 or 00000000000000000042-0000, as `shiplog events` shows it.',
  );
};

const show = ({ io, out }: Invocation, proposal: UndoProposal): void => {
  const { sequence, events, app, time, by, reason, commands, restores, causes } = proposal;
  const line = (text: string): void => out.line(printableLine(text));
  const whose = app === null ? '' : ` of ${app}`;
  const why = reason === null ? '' : ` (${reason})`;
  line(`${sequence}: ${events.join(', ')}${whose}, ${relativeTime(time, io.now())} by ${by}${why}`);
  const parts = (title: string, texts: readonly string[]): void => {
    if (texts.length === 0) return;
    out.line(`\n${out.colors.bold(title)}`);
    for (const text of texts) line(`  ${text}`);
  };
  const since = ({ what, sequence: at, by: who, time: when }: Part): string =>
    `${what}: by ${who} ${relativeTime(when, io.now())}, ${at}`;
  parts('It is taken back by', commands);
  parts('Then', [...restores, ...causes]);
  parts(
    'Changed again since, and left as it is (--force takes it back, too)',
    proposal.leaves.map(since),
  );
  parts('Changed again since, and taken back all the same', proposal.overwrites.map(since));
  if (proposal.outcome === 'unneeded') out.line(`\nNothing to take back: ${proposal.why ?? ''}`);
};

const refuse = ({ outcome, why, instead }: UndoProposal): void => {
  if (outcome === 'overtaken') {
    throw new CliError(EXIT.conflict, 'undo-overtaken', why ?? 'it was changed again since', {
      remedy: 'Take that back all the same: --force. Or take the later changes back first.',
    });
  }
  if (outcome !== 'impossible') return;
  throw new CliError(
    EXIT.refused,
    'undo-impossible',
    why ?? 'it cannot be taken back',
    instead === null ? {} : { remedy: instead },
  );
};

const confirm = async ({ io }: Invocation, sequence: string, force: boolean): Promise<void> => {
  if (io.stdin.isTTY !== true) {
    throw usageError(
      'taking a change back needs a yes',
      `If you mean it: shiplog undo ${sequence}${force ? ' --force' : ''} --yes`,
    );
  }
  const answer = await ask(io, '\nTake it back? [y/N] ');
  if (/^y(es)?$/i.test(answer)) return;
  throw new CliError(EXIT.failed, 'not-confirmed', 'nothing was done');
};
