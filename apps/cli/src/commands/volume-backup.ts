import type { Volume } from '@shiplog/api-client';
import { defineCommand } from '../command.js';
import { usageError } from '../exit-code.js';
import { parseSeconds } from '../parse/quantity.js';
import { printableLine } from '../render/printable.js';

/** How the content of a volume gets into backups, in a few words. */
export const backupText = ({ backup: { excluded, hook } }: Volume): string => {
  if (excluded) return 'left out';
  if (hook === null) return 'as it is';
  return `after ${hook.command.map(printableLine).join(' ')} (${hook.timeoutSeconds} s at most)`;
};

interface BackupOptions {
  readonly exclude?: boolean;
  readonly include?: boolean;
  readonly hook?: boolean;
  readonly timeout?: number;
}

export const backup = defineCommand<BackupOptions>({
  name: 'backup',
  args: [
    ['<volume>', 'name of the volume, such as data'],
    ['[command...]', 'what is run before the content is taken, after --'],
  ],
  summary: 'change how the content of a volume is backed up; nothing is restarted',
  details: `The command runs in a ready instance that has the volume, as a list of words: no shell takes it apart. If it fails or takes
longer than --timeout, the content is not saved and \`backup create\` exits with 1. Where no instance runs, the content is taken as
it is. The command is kept in the log as it stands here: no passwords in it.`,
  examples: [
    [
      'volumes backup data -a shop --timeout 10m -- pg_dump -U shop -f /var/lib/data/dump.sql shop',
      'a dump before each backup',
    ],
    ['volumes backup data --no-hook -a shop', 'nothing is run any more'],
    ['volumes backup cache --exclude -a shop', 'in no backup from now on; --include takes it back'],
  ],
  options: [
    { flags: '--exclude', help: 'leave its content out of backups' },
    { flags: '--include', help: 'save its content (default)' },
    { flags: '--no-hook', help: 'run nothing before its content is taken' },
    {
      flags: '--timeout <duration>',
      help: 'of the command: what takes longer is ended, and has failed (default: 5m; 1h at most)',
      parse: (text) => parseSeconds('--timeout', text),
    },
  ],
  takes: ['app', 'reason'],
  run: async ({ args, options, app, client, change, out }) => {
    const [name = '', ...command] = args;
    const body = backupOf(name, command, options);
    const answer = await (await client()).volumes.changeBackup(await app(), name, body, change);
    out.json(answer);
    out.line(`${name} in backups: ${backupText(answer.volume)}.`);
  },
});

const backupOf = (name: string, command: string[], options: BackupOptions) => {
  const { exclude, include, hook, timeout } = options;
  refuseContradictions(name, command, options);
  const isIncludedOrNot = exclude === true || include === true;
  if (!isIncludedOrNot && hook !== false && command.length === 0) {
    throw usageError(
      'nothing to change',
      'Name --exclude, --include, --no-hook, or a command after --.',
    );
  }
  const timeoutSeconds = timeout === undefined ? {} : { timeoutSeconds: timeout };
  return {
    ...(isIncludedOrNot ? { excluded: exclude === true } : {}),
    ...(hook === false ? { hook: null } : {}),
    ...(command.length > 0 ? { hook: { command, ...timeoutSeconds } } : {}),
  };
};

const refuseContradictions = (
  name: string,
  command: readonly string[],
  { exclude, include, hook, timeout }: BackupOptions,
): void => {
  if (exclude === true && include === true) {
    throw usageError('--exclude and --include exclude each other');
  }
  if (hook === false && command.length > 0) {
    throw usageError('--no-hook and a command exclude each other');
  }
  if (timeout !== undefined && command.length === 0) {
    throw usageError(
      '--timeout is of a command, which is missing',
      `shiplog volumes backup ${name} --timeout 5m -- COMMAND`,
    );
  }
};
