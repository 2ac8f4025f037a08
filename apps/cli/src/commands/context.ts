import { defineCommand, type GroupSpec } from '../command.js';
import { closest } from '../closest.js';
import { readContextFile, writeContextFile } from '../connection/context-file.js';
import { CliError, EXIT } from '../exit-code.js';

const list = defineCommand({
  name: 'list',
  summary: 'list the places you are logged in to',
  examples: [['context list', 'the one in use has a star']],
  onlyNow: 'Places are kept on this machine, not in the log.',
  run: async ({ io, out }) => {
    const { current, contexts } = await readContextFile(io);
    // Never the tokens: this is shown to people who look over a shoulder.
    const rows = Object.entries(contexts).map(([name, { url }]) => ({
      name,
      url,
      current: name === current,
    }));
    out.json(rows);
    await out.table(
      rows,
      [
        { title: ' ', value: (row) => (row.current ? '*' : ' ') },
        { title: 'context', value: ({ name }) => name },
        { title: 'url', value: ({ url }) => url },
      ],
      'You are logged in nowhere; the Shiplog of this machine is used, if there is one. shiplog login URL',
    );
    if (io.env['SHIPLOG_URL']) out.note('SHIPLOG_URL is set and goes before these.');
  },
});

const use = defineCommand({
  name: 'use',
  args: [['<context>', 'name, from `context list`']],
  summary: 'talk to another place from now on',
  examples: [['context use shiplog.example.com', 'all commands go there']],
  run: async ({ args, io, out }) => {
    const name = args[0] ?? '';
    const file = await readContextFile(io);
    const context = Object.hasOwn(file.contexts, name) ? file.contexts[name] : undefined;
    if (context === undefined) {
      const similar = closest(name, Object.keys(file.contexts));
      throw new CliError(EXIT.notFound, 'context-not-found', `there is no context "${name}"`, {
        remedy: `${similar === undefined ? '' : `Did you mean ${similar}?\n`}They are listed by: shiplog context list`,
      });
    }
    await writeContextFile(io, { ...file, current: name });
    out.json({ name, url: context.url, current: true });
    out.line(`Now talking to ${context.url}.`);
  },
});

export const context: GroupSpec = {
  name: 'context',
  summary: 'list the places you are logged in to, pick one',
  commands: [list, use],
};
