import { defineCommand } from '../command.js';
import { relativeTime } from '../render/time.js';
import { printableLine } from '../render/printable.js';
import { parseDays } from './tokens.js';

export const gitUrl = defineCommand<{ expires?: number }>({
  name: 'git-url',
  summary: 'print a URL for git push that works as it is',
  details:
    'It holds a token that can push to this one app and nothing else, expires, and can be revoked ' +
    '(shiplog tokens list). For your own machine `shiplog git remote` is better: no token in a file.',
  examples: [
    ['git-url -a shop', 'for a build server'],
    ['git-url -a shop --expires 7d', 'for a week'],
  ],
  options: [
    {
      flags: '--expires <days>',
      help: 'when it stops working, such as 7d (default: 30d)',
      parse: (text) => parseDays('--expires', text),
    },
  ],
  takes: ['app', 'reason'],
  run: async ({ app, client, change, options, io, out }) => {
    const { expires } = options;
    const body = expires === undefined ? {} : { expiresInDays: expires };
    const made = await (await client()).apps.gitUrl(await app(), body, change);
    out.json(made);
    out.line(printableLine(made.url));
    out.note(
      `Expires ${relativeTime(made.expiresAt, io.now())}. It holds a token: do not share it.`,
    );
  },
});
