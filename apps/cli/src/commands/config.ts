import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { CliError, EXIT, usageError } from '../exit-code.js';
import { parseDotenv } from '../parse/dotenv.js';
import { parsePairs } from '../parse/pairs.js';
import { printable, printableLine } from '../render/printable.js';
import { settle } from '../settle.js';
import { readAllInput } from '../terminal/ask.js';

const list = defineCommand({
  name: 'list',
  summary: 'list the environment variables of an app',
  examples: [
    ['config list -a shop', 'keys and values'],
    ['config list -a shop --at 3d', 'as they were three days ago'],
  ],
  takes: ['app', 'at'],
  run: async ({ app, client, read, out }) => {
    const entries = await (await client()).config.list(await app(), read);
    out.json(entries);
    await out.table(
      entries,
      [
        { title: 'key', value: ({ key }) => key },
        { title: 'value', value: ({ value }) => value },
      ],
      'No config. Set some: shiplog config set KEY=value',
    );
  },
});

const get = defineCommand({
  name: 'get',
  args: [['<key>', 'name of the variable']],
  summary: 'print one value',
  examples: [['config get DATABASE_URL -a shop', 'the value and nothing else']],
  takes: ['app', 'at'],
  run: async ({ args, app, client, read, out, io }) => {
    const entry = await (await client()).config.show(await app(), args[0] ?? '', read);
    out.json(entry);
    // Into a file or a pipe goes the value as it is; onto a terminal, harmless.
    out.line(io.stdout.isTTY === true ? printable(entry.value) : entry.value);
  },
});

const set = defineCommand({
  name: 'set',
  args: [['<key=value...>', 'variables to set']],
  summary: 'set environment variables',
  details:
    'An app that was deployed gets a new release with them, without a gap. What is typed here may be seen by ' +
    'others on this machine and stays in the history of the shell; for secrets use `config import`.',
  examples: [
    ['config set LOG_LEVEL=debug -a shop', 'one'],
    ['config set A=1 B=2 -a shop -m "new keys"', 'several in one release'],
  ],
  takes: ['app', 'reason', 'wait', 'override'],
  run: (invocation) =>
    changeConfig(invocation, {
      set: Object.fromEntries(parsePairs(invocation.args, 'shiplog config set KEY=value')),
      unset: [],
    }),
});

const unset = defineCommand({
  name: 'unset',
  args: [['<key...>', 'variables to take away']],
  summary: 'take environment variables away',
  examples: [['config unset OLD_KEY -a shop', 'one; several are one release']],
  takes: ['app', 'reason', 'wait', 'override'],
  run: (invocation) => changeConfig(invocation, { set: {}, unset: invocation.args }),
});

const importFile = defineCommand({
  name: 'import',
  args: [['[file]', 'a dotenv file; `-` or nothing: standard input']],
  summary: 'set variables from a dotenv file',
  details:
    'KEY=value lines, quotes and comments as in .env files; nothing is expanded. Other variables stay as they ' +
    'are. Values are not shown.',
  examples: [
    ['config import .env.production -a shop', 'from a file'],
    ['config import -a shop < secrets.env', 'from a pipe: no secret on the command line'],
  ],
  takes: ['app', 'reason', 'wait', 'override'],
  run: async (invocation) => {
    const pairs = parseDotenv(await readDotenv(invocation, invocation.args[0] ?? '-'));
    if (Object.keys(pairs).length === 0) throw usageError('there is nothing to set in it');
    await changeConfig(invocation, { set: pairs, unset: [] });
  },
});

const readDotenv = async ({ io }: Invocation, file: string): Promise<string> => {
  if (file === '-') {
    if (io.stdin.isTTY === true) io.stderr.write('Type KEY=value lines, then Ctrl-D:\n');
    return readAllInput(io);
  }
  return readFile(resolve(io.cwd, file), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const code = cause.code === 'ENOENT' ? EXIT.usage : EXIT.failed;
    throw new CliError(code, 'file-unreadable', `cannot read ${file}: ${cause.message}`, { cause });
  });
};

const changeConfig = async (
  invocation: Invocation,
  wanted: { readonly set: Record<string, string>; readonly unset: readonly string[] },
): Promise<void> => {
  const { client, change, out, options } = invocation;
  const app = await invocation.app();
  const answer = await (await client()).config.change(app, wanted, change);
  // Names only: values have been seen often enough.
  const keys = printableLine([...Object.keys(wanted.set), ...wanted.unset].join(', '));
  const done = Object.keys(wanted.set).length > 0 ? 'Set' : 'Unset';
  if (answer.release === null) {
    out.json({ ...answer, settled: true });
    out.line(`${done} ${keys}. The first release will have it.`);
    return;
  }
  if (options.wait !== false) out.note(`${done} ${keys}: release v${answer.release}`);
  await settle(invocation, app, answer, `${done} ${keys}: release v${answer.release}`);
};

export const config: GroupSpec = {
  name: 'config',
  summary: 'read and change environment variables',
  commands: [list, get, set, unset, importFile],
};
