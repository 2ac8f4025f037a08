import type { Run } from '@shiplog/api-client';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { LIMIT } from '../parse/limit.js';
import { printable, printableLine } from '../render/printable.js';
import { runDuration, runOrigin, runResult } from '../render/run-text.js';
import { stateColor } from '../render/state.js';
import type { Column } from '../render/table.js';
import { relativeTime } from '../render/time.js';

export const runColumns = ({ io, out }: Pick<Invocation, 'io' | 'out'>): readonly Column<Run>[] => [
  { title: 'run', value: ({ id }) => id },
  { title: 'of', value: runOrigin },
  { title: 'state', value: ({ state }) => state, paint: stateColor(out.colors) },
  { title: 'result', value: runResult },
  { title: 'release', value: ({ release }) => `v${release}` },
  { title: 'due', value: ({ scheduledFor }) => relativeTime(scheduledFor, io.now()) },
  { title: 'started', value: ({ startedAt }) => relativeTime(startedAt, io.now()) },
  { title: 'took', value: runDuration, align: 'right' },
];

const list = defineCommand<{ limit?: number; job?: string }>({
  name: 'list',
  summary: 'list one-off commands, newest first',
  details:
    'Release commands, runs of cron jobs, and what was started with `run`. The newest 50 of each cron job ' +
    'and of each other kind are kept; the log of events keeps all.',
  examples: [
    ['runs list -a shop', 'with state and exit code'],
    ['runs list -a shop --job cleanup', 'of one cron job'],
  ],
  options: [LIMIT, { flags: '--job <name>', help: 'only runs of this cron job' }],
  takes: ['app', 'at'],
  run: async (invocation) => {
    const { client, read, options, out } = invocation;
    const query = {
      ...(options.limit === undefined ? {} : { limit: String(options.limit) }),
      ...(options.job === undefined ? {} : { job: options.job }),
    };
    const runs = await (await client()).runs.list(await invocation.app(), { ...read, ...query });
    out.json(runs);
    await out.table(runs, runColumns(invocation), 'No runs yet: shiplog run -- COMMAND');
  },
});

const show = defineCommand({
  name: 'show',
  args: [['<run>', 'id, from `runs list`']],
  summary: 'show one run: how it ended, and what it wrote last',
  examples: [['runs show -a shop run-0123456789', 'state, times, exit code, last lines']],
  takes: ['app', 'at'],
  run: async ({ args, app, client, read, out, io }) => {
    const run = await (await client()).runs.show(await app(), args[0] ?? '', read);
    out.json(run);
    const when = (time: string | null): string => relativeTime(time, io.now());
    out.fields([
      ['Run', run.id],
      ['Of', runOrigin(run)],
      ['Command', run.command === null ? null : run.command.map(printableLine).join(' ')],
      ['Release', `v${run.release}`],
      ['State', run.state],
      ['Result', runResult(run)],
      ['Why', run.detail],
      ['Due', when(run.scheduledFor)],
      ['Missed before', run.missed === 0 ? null : String(run.missed)],
      ['Scheduled', when(run.createdAt)],
      ['Started', when(run.startedAt)],
      ['Told to end', when(run.stoppingAt)],
      ['Ended', when(run.endedAt)],
      ['Took', runDuration(run)],
    ]);
    if (run.lastLines.length === 0) return;
    out.line();
    for (const line of run.lastLines) out.line(printable(line));
  },
});

const stop = defineCommand({
  name: 'stop',
  args: [['<run>', 'id, from `runs list`']],
  summary: 'end a run: SIGTERM, then SIGKILL after the grace period',
  examples: [['runs stop -a shop run-0123456789', 'see `settings set grace=…`']],
  takes: ['app', 'reason'],
  run: async ({ args, app, client, change, out }) => {
    const answer = await (await client()).runs.stop(await app(), args[0] ?? '', change);
    out.json(answer);
    out.line(`${args[0] ?? ''} is being ended.`);
  },
});

export const runs: GroupSpec = {
  name: 'runs',
  summary: 'list one-off commands with their results, end them',
  commands: [list, show, stop],
};
