import { defineCommand, type Invocation } from '../command.js';
import { usageError } from '../exit-code.js';
import { inSeconds, parseFuture } from '../parse/moment.js';
import { parseSeconds } from '../parse/quantity.js';
import { printableLine } from '../render/printable.js';
import { relativeTime } from '../render/time.js';

interface LockOptions {
  readonly until?: string;
  readonly for?: number;
}

export const lock = defineCommand<LockOptions>({
  name: 'lock',
  summary: 'let nothing make or move releases of an app',
  details:
    'Refused are git push, deploy, rollback, promote, destroy, and changes of config or settings that would be ' +
    'rolled out; whoever is refused is told who locked it and why. What an incident needs goes on working: scale, ' +
    'resize, restart, stop, start, and cancelling a deploy. A deploy that was asked for before goes on. Members of ' +
    'the team unlock it, or go ahead all the same with --override-lock -m WHY. Cron jobs run.',
  examples: [
    ['lock -a shop -m "the database is being moved"', 'until somebody unlocks it'],
    ['lock -a shop --for 2h -m "big sale"', 'ends by itself'],
    ['lock -a shop --until 2026-12-24T18:00Z -m audit', 'ends at a time'],
  ],
  options: [
    { flags: '--until <time>', help: 'when it ends by itself, such as 2026-12-24T18:00Z' },
    {
      flags: '--for <duration>',
      help: 'how long it lasts, such as 2h',
      parse: (text) => parseSeconds('--for', text),
    },
  ],
  takes: ['app', 'reason'],
  run: async (invocation) => {
    const { app, client, change, out, io } = invocation;
    if (change.reason === undefined) {
      throw usageError('it is not said why', 'Say it to those who will be refused: -m WHY');
    }
    const until = endOf(invocation);
    const name = await app();
    const body = until === undefined ? {} : { until };
    const answer = await (await client()).locks.lock(name, body, change);
    out.json(answer);
    const end = answer.lock.until;
    const when = end === null ? '' : ` It ends by itself ${relativeTime(end, io.now())}.`;
    out.line(`${name} is locked: ${printableLine(answer.lock.why)}.${when}`);
    out.line(`Unlock it: shiplog unlock -a ${name}`);
  },
});

const endOf = ({ options, io }: Invocation<LockOptions>): string | undefined => {
  const { until, for: seconds } = options;
  if (until !== undefined && seconds !== undefined) {
    throw usageError('--until and --for were given: one of them says when it ends');
  }
  if (seconds !== undefined) return inSeconds('--for', seconds, io.now());
  return until === undefined ? undefined : parseFuture('--until', until, io.now());
};

export const unlock = defineCommand({
  name: 'unlock',
  summary: 'let releases of an app be made again',
  examples: [['unlock -a shop -m "it is moved"', 'whoever locked it']],
  takes: ['app', 'reason'],
  run: async ({ app, client, change, out }) => {
    const name = await app();
    const answer = await (await client()).locks.unlock(name, change);
    out.json(answer);
    out.line(answer.unlocked ? `${name} is unlocked.` : `${name} was not locked.`);
  },
});
