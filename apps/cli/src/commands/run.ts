import { defineCommand, type OptionSpec } from '../command.js';
import { usageError } from '../exit-code.js';
import { parsePairs } from '../parse/pairs.js';
import { printableLine } from '../render/printable.js';
import { attach } from '../terminal/attach.js';

interface RunOptions {
  readonly detach?: boolean;
  readonly tty?: boolean;
  readonly env?: readonly string[];
}

/** `--tty` and `--no-tty`, for `run` and `exec` alike. */
export const TTY_OPTIONS: readonly OptionSpec[] = [
  { flags: '-t, --tty', help: 'with a terminal on the other side (default: when this is one)' },
  { flags: '-T, --no-tty', help: 'without one' },
];

export const run = defineCommand<RunOptions>({
  name: 'run',
  args: [['<command...>', 'the command and its arguments, after --']],
  summary: 'run a command in a new instance',
  details:
    'The new instance has the image and the config of the release that serves, takes no requests, and is ' +
    'removed when the command ends. The exit code is that of the command.',
  examples: [
    ['run -a shop -- node migrate.js', 'a one-off task'],
    ['run -a shop -- sh', 'a shell, with a terminal'],
    ['run -a shop --detach -- node import.js', 'do not wait for it; see: shiplog logs'],
    ['run -a shop -- psql < dump.sql', 'standard input goes along'],
  ],
  options: [
    { flags: '-d, --detach', help: 'return at once; the command goes on' },
    { flags: '-e, --env <KEY=value...>', help: 'more environment for this command' },
    ...TTY_OPTIONS,
  ],
  takes: ['app', 'reason'],
  run: async ({ args, options, io, out, app, client, change }) => {
    if (args.length === 0) throw usageError('a command is missing', 'shiplog run -- COMMAND');
    const env = Object.fromEntries(parsePairs(options.env ?? [], '--env DEBUG=1'));
    const name = await app();
    const api = await client();
    const end = await attach({
      io,
      out,
      command: args,
      tty: options.tty,
      more: {
        ...(options.detach === true && { detach: true }),
        ...(Object.keys(env).length > 0 && { env }),
      },
      open: (session) => api.run(name, { ...session, ...change }),
    });
    out.json(end);
    if (options.detach === true) {
      const run = end.instance === undefined ? undefined : printableLine(end.instance);
      out.line(`Running${run === undefined ? '' : ` as ${run}`}.`);
      out.line(`See: shiplog logs -a ${name}${run === undefined ? '' : ` -i ${run}`}`);
      return 0;
    }
    return end.exitCode;
  },
});
