import type { Instance } from '@shiplog/api-client';
import { defineCommand } from '../command.js';
import { CliError, EXIT, usageError } from '../exit-code.js';
import { attach } from '../terminal/attach.js';
import { TTY_OPTIONS } from './run.js';

export const exec = defineCommand<{ tty?: boolean }>({
  name: 'exec',
  args: [
    ['<instance>', 'id from `shiplog ps`, its end, or a process type: the oldest instance of it'],
    ['<command...>', 'the command and its arguments, after --'],
  ],
  summary: 'run a command in a running instance',
  details: 'The exit code is that of the command. Standard input goes along.',
  examples: [
    ['exec web -a shop -- sh', 'a shell in an instance of web'],
    ['exec 0190… -a shop -- cat /proc/1/status', 'in a certain one'],
    ['exec web -a shop -- tar c /data > data.tar', 'output as it is'],
  ],
  options: TTY_OPTIONS,
  takes: ['app', 'reason'],
  run: async ({ args: [wanted = '', ...command], options, io, out, app, client, change }) => {
    if (command.length === 0)
      throw usageError('a command is missing', 'shiplog exec INSTANCE -- COMMAND');
    const name = await app();
    const api = await client();
    const instance = pickInstance(wanted, await api.apps.instances(name, {}), name);
    const end = await attach({
      io,
      out,
      command,
      tty: options.tty,
      open: (session) => api.exec(name, instance, { ...session, ...change }),
    });
    out.json(end);
    return end.exitCode;
  },
});

const RUNNING = new Set<Instance['state']>(['starting', 'ready', 'unready', 'retired']);

/** The instance that was meant: by its whole id, the end or beginning of one, or by process type. */
const pickInstance = (wanted: string, all: readonly Instance[], app: string): string => {
  const exact = all.find(({ id }) => id === wanted);
  if (exact !== undefined) return exact.id;
  const running = all.filter(({ state }) => RUNNING.has(state));
  const ofProcess = running.find(({ process }) => process === wanted);
  if (ofProcess !== undefined) return ofProcess.id;
  const matching = running.filter(({ id }) => id.endsWith(wanted) || id.startsWith(wanted));
  if (matching.length === 1 && matching[0] !== undefined) return matching[0].id;
  if (matching.length > 1) {
    throw usageError(
      `${matching.length} instances match "${wanted}"`,
      `They are listed by: shiplog ps -a ${app}`,
    );
  }
  throw new CliError(
    EXIT.notFound,
    'instance-not-found',
    `${app} has no running instance "${wanted}"`,
    {
      remedy: `Running ones: shiplog ps -a ${app}`,
    },
  );
};
