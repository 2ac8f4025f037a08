import type { Backup, BackupPolicy } from '@shiplog/api-client';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { CliError, EXIT, usageError } from '../exit-code.js';
import { runOffline } from '../offline.js';
import { createProgressView, withNotice } from '../progress/progress-view.js';
import { sizeText } from '../render/size.js';
import type { Column } from '../render/table.js';
import { relativeTime } from '../render/time.js';

const PLACE = 'a folder on the machine of the platform, or s3://bucket/prefix?region=…&endpoint=…';

/** Shows the steps of a job until it ends. Gives how it ended; a failure is an error. */
const follow = async (invocation: Invocation, job: string): Promise<string> => {
  const client = await invocation.client();
  const view = createProgressView(invocation.io, invocation.out);
  try {
    for await (const { kind, text, at } of client.backupProgress(job)) {
      if (kind === 'done') return text;
      if (kind === 'failed') throw new CliError(EXIT.failed, 'backup-failed', text);
      view.show({ kind, text, at });
    }
  } finally {
    view.close();
  }
  throw new CliError(EXIT.unknown, 'outcome-unknown', 'the api ended before the backup did', {
    remedy: 'It goes on by itself; `shiplog backup list` and `shiplog doctor` tell how it ends.',
  });
};

interface CreateOptions {
  readonly to?: string;
  readonly withoutVolumes?: boolean;
}

const create = defineCommand<CreateOptions>({
  name: 'create',
  summary: 'save everything the platform could not be made again without',
  details:
    'The log, keys (sealed for the recovery key), git repositories, sources, images of kept releases, and what is in volumes. ' +
    'Apps and changes go on meanwhile. What an earlier backup at the same place has is not stored again. Administrators only.',
  examples: [
    ['backup create --to /mnt/backup', 'the folder must be there'],
    ['backup create', 'to where the schedule says'],
  ],
  options: [
    { flags: '--to <place>', help: PLACE },
    { flags: '--without-volumes', help: 'leave out what is in volumes' },
  ],
  takes: ['reason'],
  run: async (invocation) => {
    const { options, change, out } = invocation;
    const { backups } = await invocation.client();
    const begun = await backups.create(
      {
        ...(options.to === undefined ? {} : { target: options.to }),
        withVolumes: options.withoutVolumes !== true,
      },
      change,
    );
    const text = await follow(invocation, begun.backupId);
    out.json({ ...begun, outcome: 'succeeded' });
    out.line(`${text}.`);
    if (begun.recoveryKey.file === null) return;
    out.note(
      `The recovery key lies in ${begun.recoveryKey.file}. Put it where it will be when this machine is not, then delete it here: without it no config value can be restored.`,
    );
  },
});

const COLUMNS = (now: number): readonly Column<Backup>[] => [
  { title: 'backup', value: ({ id }) => id },
  { title: 'made', value: ({ createdAt }) => relativeTime(createdAt, now) },
  {
    title: 'log up to',
    value: ({ position }) => (position === null ? '' : String(Number(position))),
  },
  { title: 'size', value: ({ bytes }) => sizeText(bytes), align: 'right' },
  { title: 'added', value: ({ addedBytes }) => sizeText(addedBytes), align: 'right' },
  {
    title: 'without volumes',
    value: ({ volumesLeft }) => volumesLeft.map(({ name }) => name).join(', '),
  },
  {
    title: 'verified',
    value: ({ verification, verifiedAt, problem }) =>
      verification === 'verified' ? relativeTime(verifiedAt, now) : (problem ?? 'not yet'),
  },
];

const list = defineCommand<{ readonly from?: string }>({
  name: 'list',
  summary: 'show the backups at a place, the newest first',
  examples: [
    ['backup list', 'where the schedule or the last backup went'],
    ['backup list --from /mnt/backup', 'somewhere else'],
  ],
  options: [{ flags: '--from <place>', help: PLACE }],
  onlyNow:
    'A list is of what lies at the place now. What was made when: shiplog events --type BackupSucceeded.',
  run: async ({ client, options, out, io }) => {
    const api = await client();
    const query = options.from === undefined ? {} : { target: options.from };
    const shown = await withNotice({ io, out }, 'looking', api.backups.list(query));
    out.json(shown);
    if (shown.target !== null) out.note(`At ${shown.target}:`);
    await out.table(shown.backups, COLUMNS(io.now()), 'There is no backup.');
  },
});

const verify = defineCommand<{ readonly from?: string }>({
  name: 'verify',
  args: [['[id]', 'the backup (default: the newest)']],
  summary: 'read a backup back, byte for byte, and check the chain of its log',
  details: 'Names every damaged object; exit code 1 where there is one.',
  examples: [['backup verify', 'the newest one']],
  options: [{ flags: '--from <place>', help: PLACE }],
  takes: ['reason'],
  run: async (invocation) => {
    const { args, options, change, out } = invocation;
    const [backupId] = args;
    const { backups } = await invocation.client();
    const begun = await backups.verify(
      {
        ...(backupId === undefined ? {} : { backupId }),
        ...(options.from === undefined ? {} : { target: options.from }),
      },
      change,
    );
    const text = await follow(invocation, begun.job);
    out.json({ backupId: begun.backupId, outcome: 'verified', summary: text });
    out.line(`${text}.`);
  },
});

interface RestoreOptions {
  readonly from?: string;
  readonly recoveryKey?: string;
  readonly withoutKeys?: boolean;
  readonly withoutVolumes?: boolean;
}

const restore = defineCommand<RestoreOptions>({
  name: 'restore',
  args: [['[id]', 'the backup (default: the newest)']],
  summary: 'make the data directory of a new machine from a backup',
  details:
    'Runs on this machine and while no platform does. SHIPLOG_HOME must be empty, SHIPLOG_PLATFORM and SHIPLOG_NODE those of ' +
    'the backup. Everything is checked while it is read. Then `npm start` brings the same apps back.',
  examples: [
    ['backup restore --from /mnt/backup --recovery-key recovery-key.txt', 'the newest one'],
  ],
  options: [
    { flags: '--from <place>', help: PLACE },
    { flags: '--recovery-key <file>', help: 'what opens the keys in the backup' },
    { flags: '--without-keys', help: 'accept that no config value can be read again' },
    { flags: '--without-volumes', help: 'leave out what is in volumes' },
  ],
  run: ({ args, options, out, io }) => {
    const { from, recoveryKey, withoutKeys, withoutVolumes } = options;
    if (from === undefined)
      throw usageError('say where from', 'shiplog backup restore --from /mnt/backup');
    return runOffline(io, 'backup', [
      'restore',
      ...args.slice(0, 1),
      '--from',
      from,
      ...(recoveryKey === undefined ? [] : ['--recovery-key', recoveryKey]),
      ...(withoutKeys === true ? ['--without-keys'] : []),
      ...(withoutVolumes === true ? ['--without-volumes'] : []),
      ...(out.isJson ? ['--json'] : []),
    ]);
  },
});

interface ScheduleOptions {
  readonly to?: string;
  readonly keep?: string;
}

const schedule = defineCommand<ScheduleOptions>({
  name: 'schedule',
  args: [['[when]', 'off, hourly, "every 6h", "daily 03:00" or "weekly sunday 03:00" (UTC)']],
  summary: 'show or set when backups are made by themselves, and which stay',
  details:
    'The first backup of a new schedule is made at once; one that failed is tried again after a quarter of an hour. ' +
    'Backups that --keep does not name are removed from that place after each success.',
  examples: [
    ['backup schedule', 'as it is'],
    ['backup schedule "daily 03:00" --to /mnt/backup --keep 3,7d,4w,12m', 'keep some of each age'],
    ['backup schedule off', 'none by itself'],
  ],
  options: [
    { flags: '--to <place>', help: PLACE },
    {
      flags: '--keep <rule>',
      help: 'such as 3,7d,4w,12m: the newest three, and one of each of 7 days, 4 weeks, 12 months; "all"',
    },
  ],
  takes: ['reason'],
  run: async ({ client, args, options, change, out }) => {
    const { backups } = await client();
    const [when] = args;
    const { to, keep } = options;
    const current = await backups.policy();
    const isChange = when !== undefined || to !== undefined || keep !== undefined;
    const wanted: BackupPolicy = {
      schedule: when ?? current.schedule,
      target: to ?? current.target,
      keep: keep === 'all' ? null : (keep ?? current.keep),
    };
    const shown = isChange ? await backups.changePolicy(wanted, change) : current;
    out.json(shown);
    out.fields([
      ['Schedule', shown.schedule],
      ['To', shown.target ?? 'nowhere'],
      ['Kept', shown.keep ?? 'all'],
    ]);
  },
});

export const backup: GroupSpec = {
  name: 'backup',
  summary: 'make, list, verify and restore backups',
  commands: [create, list, verify, restore, schedule],
};
