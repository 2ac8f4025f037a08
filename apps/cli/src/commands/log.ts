import { resolve } from 'node:path';
import { writeWhole } from '../audit/write-file.js';
import { defineCommand, type GroupSpec } from '../command.js';
import { CliError, EXIT, usageError } from '../exit-code.js';
import { runOffline } from '../offline.js';
import { printableLine } from '../render/printable.js';

const END = '{"end":';

const exportLog = defineCommand({
  name: 'export',
  args: [['[file]', 'where to; default: standard output']],
  summary: 'write the whole log as it is stored, with its signed checkpoints',
  details:
    'One line per commit, byte for byte; docs/integrity.md defines the format. tools/verify-log checks it ' +
    'without this platform. A file is there whole or not at all. Administrators only.',
  examples: [
    ['log export log.ndjson', 'then: tools/verify-log log.ndjson'],
    ['log export | zstd > log.ndjson.zst', 'to keep it'],
  ],
  run: async ({ args, client, io, out }) => {
    const api = await client();
    let commits = 0;
    async function* lines(): AsyncGenerator<string> {
      let last = '';
      for await (const line of api.exportLog()) {
        if (line.startsWith('{"position":')) commits += 1;
        last = line;
        yield `${line}\n`;
      }
      if (!last.startsWith(END)) {
        throw new CliError(EXIT.failed, 'export-incomplete', 'the log was cut off on its way', {
          remedy: 'Try again.',
        });
      }
    }
    const [file] = args;
    if (file === undefined) {
      for await (const line of lines()) {
        if (!io.stdout.write(line)) await new Promise((done) => io.stdout.once('drain', done));
      }
      return;
    }
    await writeWhole(resolve(io.cwd, file), lines());
    out.json({ file, commits });
    out.line(
      `${commits} commits in ${printableLine(file)}. To check them: tools/verify-log ${printableLine(file)}`,
    );
  },
});

interface CopyOptions {
  readonly to?: string;
  readonly users?: string;
}

const copyLog = defineCommand<CopyOptions>({
  name: 'copy',
  summary: 'copy the log of this machine to EventStoreDB, or back',
  details:
    'Every commit byte for byte and in its order; then the two logs are compared. Runs on the machine of the platform ' +
    'and while it is stopped. What was cut off goes on where it was. Start the platform with the new SHIPLOG_EVENT_LOG ' +
    'afterwards: read models are made again from there. docs/eventstoredb.md tells more.',
  examples: [
    ['log copy --to "esdb://127.0.0.1:2113?tls=false"', 'from what SHIPLOG_EVENT_LOG names'],
    ['log copy --to jetstream', 'back, with SHIPLOG_EVENT_LOG set to the EventStoreDB'],
  ],
  options: [
    {
      flags: '--to <address>',
      help: 'esdb://… or esdb+discover://… without user and password, or jetstream',
    },
    {
      flags: '--users <folder>',
      help: 'folder with a file `provisioner` that holds user:password (default: SHIPLOG_EVENT_LOG_USERS)',
    },
  ],
  run: ({ io, options, out }) => {
    const { to, users } = options;
    if (to === undefined) {
      throw usageError('Say where to copy the log.', 'For example: --to esdb://127.0.0.1:2113');
    }
    return runOffline(io, 'provisioner', [
      'copy',
      '--to',
      to,
      ...(users === undefined ? [] : ['--users', resolve(io.cwd, users)]),
      ...(out.isJson ? ['--json'] : []),
    ]);
  },
});

export const log: GroupSpec = {
  name: 'log',
  summary: 'take the log elsewhere',
  commands: [exportLog, copyLog],
};
