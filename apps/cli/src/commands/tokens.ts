import type { Token } from '@shiplog/api-client';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { CliError, EXIT, usageError } from '../exit-code.js';
import { parseSeconds } from '../parse/quantity.js';
import { printableLine } from '../render/printable.js';
import { stateColor } from '../render/state.js';
import type { Column } from '../render/table.js';
import { relativeTime } from '../render/time.js';

const DAY_SECONDS = 86_400;

/** A duration in whole days, the unit in which tokens expire. */
export const parseDays = (name: string, text: string): number => {
  const seconds = parseSeconds(name, /^\d+$/.test(text) ? `${text}d` : text);
  if (seconds < DAY_SECONDS)
    throw usageError(`${name}: one day is the least`, 'Write for example 30d.');
  return Math.ceil(seconds / DAY_SECONDS);
};

const create = defineCommand<{ expires?: number }>({
  name: 'create',
  args: [['<name>', 'what it is for']],
  summary: 'create an access token of your own',
  details: 'The token is shown this once. It may do whatever you may.',
  examples: [
    ['tokens create laptop', 'does not expire'],
    ['tokens create ci --expires 90d', 'expires in 90 days'],
  ],
  options: [
    {
      flags: '--expires <days>',
      help: 'when it stops working, such as 90d (default: never)',
      parse: (text) => parseDays('--expires', text),
    },
  ],
  takes: ['reason'],
  run: async ({ args, client, change, options, out }) => {
    const { expires } = options;
    const created = await (
      await client()
    ).tokens.create(
      { name: args[0] ?? '', ...(expires !== undefined && { expiresInDays: expires }) },
      change,
    );
    if (created.token === null) {
      throw new CliError(
        EXIT.unknown,
        'outcome-unknown',
        `the token ${created.name} was made, but its text got lost on the way and cannot be shown again`,
        { remedy: `Revoke it (shiplog tokens revoke ${created.id}) and create another one.` },
      );
    }
    out.json(created);
    out.line(printableLine(created.token));
    out.note('This is the only time it is shown.');
  },
});

const columns = ({ io, out }: Invocation): readonly Column<Token>[] => [
  { title: 'token', value: ({ id }) => id },
  { title: 'name', value: ({ name, current }) => `${name}${current ? ' (this one)' : ''}` },
  { title: 'user', value: ({ user }) => user },
  {
    title: 'may',
    value: ({ scope, app }) => (scope === 'push' ? `push to ${app ?? '?'}` : 'all its user may'),
  },
  { title: 'state', value: ({ state }) => state, paint: stateColor(out.colors) },
  { title: 'expires', value: ({ expiresAt }) => relativeTime(expiresAt, io.now()) },
];

const list = defineCommand({
  name: 'list',
  summary: 'list your tokens',
  details: 'Administrators see all. Never the token itself: only its hash is kept.',
  examples: [['tokens list', 'what there is and when it expires']],
  takes: ['at'],
  run: async (invocation) => {
    const tokens = await (await invocation.client()).tokens.list(invocation.read);
    invocation.out.json(tokens);
    await invocation.out.table(tokens, columns(invocation), 'No tokens.');
  },
});

const revoke = defineCommand({
  name: 'revoke',
  args: [['<token>', 'id, from `tokens list`']],
  summary: 'revoke a token: it stops working at once',
  examples: [['tokens revoke 0190… -m "laptop lost"', 'for good']],
  takes: ['reason'],
  run: async ({ args, client, change, out }) => {
    const answer = await (await client()).tokens.revoke(args[0] ?? '', change);
    out.json(answer);
    out.line('Revoked.');
  },
});

export const tokens: GroupSpec = {
  name: 'tokens',
  summary: 'create, list and revoke access tokens',
  commands: [create, list, revoke],
};
