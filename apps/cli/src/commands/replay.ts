import type { Replay } from '@shiplog/api-client';
import { defineCommand, type GroupSpec } from '../command.js';
import { parseMoment } from '../parse/moment.js';
import { check } from '../replay/check.js';
import { changeLines } from '../replay/change-lines.js';
import type { Column } from '../render/table.js';

type App = Replay['apps'][number];

const formationText = ({ formation }: App): string =>
  Object.entries(formation)
    .map(([process, count]) => `${process}=${count}`)
    .join(' ');

const COLUMNS: readonly Column<App>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'state', value: ({ stopped }) => (stopped ? 'stopped' : 'started') },
  { title: 'release', value: ({ release }) => (release === null ? '' : `v${release}`) },
  { title: 'formation', value: formationText },
  { title: 'instances', value: ({ instances }) => instances, align: 'right' },
  { title: 'routed', value: ({ routed }) => routed, align: 'right' },
  { title: 'config', value: ({ configKeys }) => configKeys, align: 'right' },
  { title: 'domains', value: ({ domains }) => domains.join(' ') },
];

const show = defineCommand<{ app?: string; diff?: string }>({
  name: 'show',
  summary: 'what there was at a moment, and what changed until another one',
  details:
    'Without --diff: the apps of that moment. With --diff: what is not as it was, + - and ~ before it, with the ' +
    'event that made it so, who did it, when and why; the earlier moment comes first, whichever it is. Without ' +
    '--at one of the moments is now. Values of config are never shown. Nothing is changed by looking.',
  examples: [
    ['replay --at 2026-11-21T10:00 --diff 2026-11-21T11:00', 'what changed in that hour'],
    ['replay --diff 1d -a shop', 'what changed of one app since yesterday'],
    ['replay --at 3d', 'the apps as they were'],
    ["replay --diff 10m --json | jq '.diff.changes[]'", 'for programs'],
  ],
  options: [
    {
      flags: '--diff <moment>',
      help: 'the other moment, as --at (default: none, nothing is compared)',
    },
    { flags: '-a, --app <app>', help: 'only of this app (default: all that you can see)' },
  ],
  takes: ['at'],
  run: async (invocation) => {
    const { client, io, options, out, read } = invocation;
    const { diff, app } = options;
    const answer = await (
      await client()
    ).platform.replay({
      ...read,
      ...(diff !== undefined && { diff: parseMoment(diff, io.now()) }),
      ...(app !== undefined && { app: await invocation.app(app) }),
    });
    out.json(answer);
    if (answer.diff === null) {
      await out.table(answer.apps, COLUMNS, 'No apps that you can see at that moment.');
      return;
    }
    const { from, to, commits, changes } = answer.diff;
    const what = changes.length === 0 ? 'nothing' : `${changes.length}`;
    out.line(`From ${from} to ${to}: ${commits} commits, ${what} changed in the end.`);
    for (const line of changeLines(changes, out.colors)) out.line(line);
  },
});

export const replay: GroupSpec = {
  name: 'replay',
  summary: 'show what changed between two moments, check an upgrade',
  commands: [show, check],
  main: 'show',
};
