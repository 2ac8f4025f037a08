import type { Freeze, FreezeRequest } from '@shiplog/api-client';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { usageError } from '../exit-code.js';
import { parseWeekly } from '../parse/freeze-window.js';
import { parseSeconds } from '../parse/quantity.js';
import type { Column } from '../render/table.js';
import { durationText, relativeTime } from '../render/time.js';

interface Scope {
  readonly platform?: boolean;
}
interface AddOptions extends Scope {
  readonly timeZone?: string;
  readonly cron?: string;
  readonly for?: number;
  readonly from?: string;
  readonly to?: string;
}

const NAME = ['<name>', 'name of the freeze window, such as weekend'] as const;
const PLATFORM = { flags: '--platform', help: 'of all apps (administrators)' };

/** The app that is meant; undefined: all of them. */
const scopeOf = async ({ options, app }: Invocation<Scope>): Promise<string | undefined> => {
  if (options.platform !== true) return app();
  if (options.app === undefined) return undefined;
  throw usageError('--platform and an app were given: it is one app or all of them');
};

const windowText = ({ window, timeZone }: Freeze): string => {
  switch (window.kind) {
    case 'weekly':
      return `${window.from} - ${window.until} ${timeZone}`;
    case 'cron':
      return `${window.schedule} for ${durationText(window.seconds * 1000)} ${timeZone}`;
    case 'once':
      return `${window.from} - ${window.until}`;
  }
};

const columns = ({ io }: Invocation<Scope>): readonly Column<Freeze>[] => [
  { title: 'freeze', value: ({ freeze: name }) => name },
  { title: 'of', value: ({ ofPlatform }) => (ofPlatform ? 'platform' : 'app') },
  { title: 'when', value: windowText },
  {
    title: 'open',
    value: ({ openUntil }) =>
      openUntil === null ? 'no' : `yes, ends ${relativeTime(openUntil, io.now())}`,
  },
  {
    title: 'next',
    value: ({ next }) => (next === null ? 'never' : relativeTime(next.from, io.now())),
  },
  { title: 'why', value: ({ why }) => why },
];

const list = defineCommand<Scope>({
  name: 'list',
  summary: 'list freeze windows of an app and of the platform',
  examples: [
    ['freeze list -a shop', 'all that count for the app, with the next opening'],
    ['freeze list --platform', 'those of all apps'],
  ],
  options: [PLATFORM],
  takes: ['app', 'at'],
  run: async (invocation) => {
    const { client, read, out } = invocation;
    const freezes = await (await client()).freezes.list(await scopeOf(invocation), read);
    out.json(freezes);
    await out.table(freezes, columns(invocation), 'No freeze windows: shiplog freeze add');
  },
});

const add = defineCommand<AddOptions>({
  name: 'add',
  args: [NAME, ['[window]', "every week: 'Fri 16:00 - Mon 08:00'"]],
  summary: 'add a freeze window: while it is open nothing makes releases',
  details:
    'Refused are git push, deploy, rollback, promotion of a release, and changes of config or settings that would ' +
    'be rolled out. What began before ends normally; scale, resize, restart, stop, start and cancelling a deploy ' +
    'work, and cron jobs run. To go ahead all the same: --override-freeze -m WHY; that of the platform is put aside ' +
    'by administrators only. The reason (-m) is told to whoever is refused.',
  examples: [
    [
      "freeze add weekend 'Fri 16:00 - Mon 08:00' --time-zone Europe/Berlin -a shop",
      'every week, by the clock of Berlin',
    ],
    [
      'freeze add holidays --from 2026-12-23T12:00 --to 2027-01-04T08:00 --platform',
      'once, for all apps',
    ],
    ["freeze add nights --cron '0 22 * * *' --for 8h -a shop", 'every night at ten, for 8 hours'],
  ],
  options: [
    { flags: '--time-zone <name>', help: 'by whose clock, such as Europe/Berlin (default: UTC)' },
    { flags: '--cron <schedule>', help: 'it opens at the due times of a cron schedule' },
    {
      flags: '--for <duration>',
      help: 'with --cron: how long it is open each time, such as 8h',
      parse: (text) => parseSeconds('--for', text),
    },
    { flags: '--from <time>', help: 'once: when it opens, such as 2026-12-23T12:00' },
    { flags: '--to <time>', help: 'once: when it closes' },
    PLATFORM,
  ],
  takes: ['app', 'reason'],
  run: async (invocation) => {
    const { args, options, client, change, out, io } = invocation;
    const window = windowOf(invocation);
    const zone = options.timeZone === undefined ? {} : { timeZone: options.timeZone };
    const scope = await scopeOf(invocation);
    const answer = await (
      await client()
    ).freezes.add(scope, args[0] ?? '', { window, ...zone }, change);
    out.json(answer);
    const { freeze: added } = answer;
    const state =
      added.openUntil === null
        ? `it opens ${relativeTime(added.next?.from, io.now())}`
        : `it is open, and closes ${relativeTime(added.openUntil, io.now())}`;
    out.line(`Freeze ${added.freeze} is added; ${state}.`);
  },
});

/** Exactly one of the three forms. */
const windowOf = ({ args, options }: Invocation<AddOptions>): FreezeRequest['window'] => {
  const { cron, for: seconds, from, to } = options;
  const forms = [args[1], cron, from ?? to].filter((form) => form !== undefined);
  if (forms.length !== 1) {
    throw usageError(
      forms.length === 0 ? 'it is not said when' : 'more than one thing says when',
      "One of: 'Fri 16:00 - Mon 08:00'; --cron SCHEDULE --for DURATION; --from TIME --to TIME",
    );
  }
  if (cron === undefined && seconds !== undefined) {
    throw usageError('--for goes with --cron', 'Without it the window itself says when it ends.');
  }
  if (cron !== undefined) {
    if (seconds === undefined) throw usageError('--cron needs --for', 'For example: --for 8h');
    return { kind: 'cron', schedule: cron, seconds };
  }
  if (args[1] !== undefined) return parseWeekly(args[1]);
  if (from === undefined || to === undefined) throw usageError('--from and --to go together');
  return { kind: 'once', from, until: to };
};

const remove = defineCommand<Scope>({
  name: 'remove',
  args: [NAME],
  summary: 'remove a freeze window',
  examples: [['freeze remove weekend -a shop', 'releases are made again at once']],
  options: [PLATFORM],
  takes: ['app', 'reason'],
  run: async (invocation) => {
    const { args, client, change, out } = invocation;
    const scope = await scopeOf(invocation);
    const answer = await (await client()).freezes.remove(scope, args[0] ?? '', change);
    out.json(answer);
    out.line(`Freeze ${args[0] ?? ''} is removed.`);
  },
});

export const freeze: GroupSpec = {
  name: 'freeze',
  summary: 'times in which nothing makes releases',
  commands: [list, add, remove],
};
