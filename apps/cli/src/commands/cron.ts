import type { CronJob } from '@shiplog/api-client';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { usageError } from '../exit-code.js';
import { LIMIT } from '../parse/limit.js';
import { parseSeconds } from '../parse/quantity.js';
import { printableLine } from '../render/printable.js';
import { runResult } from '../render/run-text.js';
import type { Column } from '../render/table.js';
import { relativeTime } from '../render/time.js';
import { runColumns } from './runs.js';

const JOB = ['<job>', 'name of the job, such as cleanup'] as const;

const columns = ({ io }: Invocation): readonly Column<CronJob>[] => [
  { title: 'job', value: ({ job }) => job },
  { title: 'schedule', value: ({ schedule }) => schedule },
  { title: 'time zone', value: ({ timeZone }) => timeZone },
  { title: 'command', value: ({ command }) => command.map(printableLine).join(' ') },
  { title: 'next', value: ({ nextAt }) => relativeTime(nextAt, io.now()) },
  {
    title: 'last',
    value: ({ lastRun }) => (lastRun === null ? '' : relativeTime(lastRun.createdAt, io.now())),
  },
  {
    title: 'result',
    value: ({ lastRun }) =>
      lastRun === null ? '' : [lastRun.state, runResult(lastRun)].filter(Boolean).join(', '),
  },
];

const list = defineCommand({
  name: 'list',
  summary: 'list cron jobs, with their next and their last run',
  examples: [['cron list -a shop', 'all jobs of the app']],
  takes: ['app', 'at'],
  run: async (invocation) => {
    const { client, read, out } = invocation;
    const jobs = await (await client()).cron.list(await invocation.app(), read);
    out.json(jobs);
    await out.table(jobs, columns(invocation), 'No cron jobs: shiplog cron set');
  },
});

interface SetOptions {
  readonly timeZone?: string;
  readonly overlap?: string;
  readonly missed?: string;
  readonly timeout?: number;
}

const oneOf =
  <const W extends string>(name: string, words: readonly W[]) =>
  (text: string): W => {
    const word = words.find((one) => one === text);
    if (word !== undefined) return word;
    throw usageError(`${name}: "${text}" is none of ${words.join(', ')}`);
  };
const OVERLAP = oneOf('--overlap', ['allow', 'forbid', 'replace']);
const MISSED = oneOf('--missed', ['skip', 'once']);

const set = defineCommand<SetOptions>({
  name: 'set',
  args: [
    JOB,
    ['<schedule>', 'minute, hour, day of month, month, day of week; or @daily and the like'],
    ['<command...>', 'the command and its arguments, after --'],
  ],
  summary: 'set a cron job, or change it',
  details:
    'The command runs in a new instance with the image and the config of the release that serves, takes no ' +
    'requests, and has the limits of the app. What is not given is as by default.',
  examples: [
    [`cron set cleanup '30 3 * * *' -a shop -- node clean.js`, 'every day at 03:30 UTC'],
    [
      `cron set report '0 9 * * MON-FRI' -a shop --time-zone Europe/Berlin --missed once -- ./report`,
      'at nine on working days, also when the clocks change; made up for after an outage',
    ],
    [
      `cron set sync '*/10 * * * *' -a shop --overlap replace --timeout 5m -- ./sync`,
      'the next one ends the last one',
    ],
  ],
  options: [
    { flags: '--time-zone <name>', help: 'by whose clock, such as Europe/Berlin (default: UTC)' },
    {
      flags: '--overlap <policy>',
      help: 'while the last one runs: forbid (default) leaves it out, replace ends the last one, allow runs both',
      parse: OVERLAP,
    },
    {
      flags: '--missed <policy>',
      help: 'after an outage: skip (default) makes up for none, once for the newest',
      parse: MISSED,
    },
    {
      flags: '--timeout <duration>',
      help: 'a run that takes longer is ended (default: none)',
      parse: (text) => parseSeconds('--timeout', text),
    },
  ],
  takes: ['app', 'reason'],
  run: async ({ args, options, app, client, change, out, io }) => {
    const [job = '', schedule = '', ...command] = args;
    if (command.length === 0) {
      throw usageError('a command is missing', `shiplog cron set ${job} '${schedule}' -- COMMAND`);
    }
    const body = {
      schedule,
      command,
      ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
      ...(options.overlap === undefined ? {} : { overlap: OVERLAP(options.overlap) }),
      ...(options.missed === undefined ? {} : { missed: MISSED(options.missed) }),
      ...(options.timeout === undefined ? {} : { timeoutSeconds: options.timeout }),
    };
    const answer = await (await client()).cron.set(await app(), job, body, change);
    out.json(answer);
    out.line(`${job} is set; it is due next ${relativeTime(answer.nextAt, io.now())}.`);
  },
});

const remove = defineCommand({
  name: 'remove',
  args: [JOB],
  summary: 'remove a cron job; a run of it that is under way goes on',
  examples: [['cron remove cleanup -a shop', 'its history stays in the log of events']],
  takes: ['app', 'reason'],
  run: async ({ args, app, client, change, out }) => {
    const answer = await (await client()).cron.remove(await app(), args[0] ?? '', change);
    out.json(answer);
    out.line(`${args[0] ?? ''} is removed.`);
  },
});

const run = defineCommand({
  name: 'run',
  args: [JOB],
  summary: 'run a cron job now, beside its schedule',
  examples: [['cron run cleanup -a shop', 'see: shiplog runs show']],
  takes: ['app', 'reason'],
  run: async ({ args, app, client, change, out }) => {
    const name = await app();
    const answer = await (await client()).cron.run(name, args[0] ?? '', change);
    out.json(answer);
    const id = printableLine(answer.run);
    out.line(`Running as ${id}.`);
    out.line(`See: shiplog runs show ${id} -a ${name}; shiplog logs -a ${name} -i ${id}`);
  },
});

const history = defineCommand<{ limit?: number }>({
  name: 'history',
  args: [JOB],
  summary: 'list the runs of a cron job, newest first, also those that were left out',
  examples: [['cron history cleanup -a shop', 'when each was due, how long it took, how it ended']],
  options: [LIMIT],
  takes: ['app', 'at'],
  run: async (invocation) => {
    const { args, client, read, options, out } = invocation;
    const limit = options.limit === undefined ? {} : { limit: String(options.limit) };
    const query = { ...read, ...limit, job: args[0] ?? '' };
    const runs = await (await client()).runs.list(await invocation.app(), query);
    out.json(runs);
    await out.table(runs, runColumns(invocation), 'It has not run yet.');
  },
});

export const cron: GroupSpec = {
  name: 'cron',
  summary: 'commands that are run at certain times',
  commands: [list, set, remove, history, run],
};
