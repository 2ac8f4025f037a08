import { defineCommand } from '../command.js';
import { resolveConnection } from '../connection/resolve-connection.js';
import { relativeTime } from '../render/time.js';

export const whoami = defineCommand({
  name: 'whoami',
  summary: 'show who is logged in, and where',
  examples: [['whoami', 'user, teams, platform and address']],
  run: async ({ client, io, out }) => {
    const api = await client();
    const who = await api.platform.whoami();
    const { source } = await resolveConnection(io);
    out.json({ ...who, url: api.url });
    out.fields([
      ['User', `${who.user}${who.administrator ? ' (administrator)' : ''}`],
      ['Teams', who.teams.map(({ name }) => name).join(', ')],
      ['Token', tokenText(who.token, io.now())],
      ['Platform', who.platform],
      ['API', `${api.url} (from ${source})`],
      ['Version', who.version],
    ]);
  },
});

const tokenText = (
  { name, expiresAt }: { readonly name: string; readonly expiresAt: string | null },
  nowMs: number,
): string => (expiresAt === null ? name : `${name}, expires ${relativeTime(expiresAt, nowMs)}`);
