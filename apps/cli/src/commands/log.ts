import { resolve } from 'node:path';
import { writeWhole } from '../audit/write-file.js';
import { defineCommand, type GroupSpec } from '../command.js';
import { CliError, EXIT } from '../exit-code.js';
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

export const log: GroupSpec = {
  name: 'log',
  summary: 'take the log elsewhere',
  commands: [exportLog],
};
