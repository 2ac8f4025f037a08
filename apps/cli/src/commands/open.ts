import { spawn } from 'node:child_process';
import { defineCommand } from '../command.js';
import { CliError, EXIT } from '../exit-code.js';
import type { Io } from '../io.js';
import { printableLine } from '../render/printable.js';

export const open = defineCommand({
  name: 'open',
  summary: 'open an app in the browser',
  details: 'Prints the address; without a desktop that is all it does.',
  examples: [
    ['open -a shop', 'open it'],
    ['open -a shop --json | jq -r .url', 'only the address'],
  ],
  takes: ['app'],
  run: async ({ app, client, io, out }) => {
    const { url, name } = await (await client()).apps.show(await app(), {});
    if (url === null) {
      throw new CliError(
        EXIT.conflict,
        'no-web-process',
        `${name} has no address: it has no process "web"`,
        {
          remedy: 'Add a line "web: COMMAND" to its Procfile and deploy again.',
        },
      );
    }
    out.json({ url });
    out.line(printableLine(url));
    if (!out.isJson && io.stdout.isTTY === true) openBrowser(url, io);
  },
});

const openBrowser = (url: string, { env }: Io): void => {
  // Only addresses: a program must not be started with whatever a server calls a URL.
  if (!/^https?:\/\/[\w.:[\]-]+\//.test(url)) return;
  const hasDesktop = process.platform === 'darwin' || env['DISPLAY'] || env['WAYLAND_DISPLAY'];
  if (!hasDesktop) return;
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open';
  const browser = spawn(program, [url], { detached: true, stdio: 'ignore' });
  // Without a browser the printed address is enough.
  browser.on('error', () => undefined);
  browser.unref();
};
