import type { Deploy } from '@shiplog/api-client';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { LIMIT } from '../parse/limit.js';
import { renderExplanation } from '../render/explanation.js';
import { printable } from '../render/printable.js';
import { stateColor } from '../render/state.js';
import type { Column } from '../render/table.js';
import { durationText, relativeTime } from '../render/time.js';

const NONE = 'Nothing was deployed yet: shiplog deploy';

const tookText = ({ createdAt, finishedAt }: Deploy): string =>
  finishedAt === null ? '' : durationText(Date.parse(finishedAt) - Date.parse(createdAt));

const columns = ({ io, out }: Invocation): readonly Column<Deploy>[] => [
  { title: 'deploy', value: ({ id }) => id },
  { title: 'release', value: ({ release }) => `v${release}` },
  { title: 'state', value: ({ state }) => state, paint: stateColor(out.colors) },
  { title: 'created', value: ({ createdAt }) => relativeTime(createdAt, io.now()) },
  { title: 'took', value: tookText, align: 'right' },
  { title: 'by', value: ({ createdBy }) => createdBy },
  { title: 'reason', value: ({ reason }) => reason },
];

const list = defineCommand<{ limit?: number }>({
  name: 'list',
  summary: 'list deploys, newest first',
  examples: [['deploys list -a shop', 'with their outcome']],
  options: [LIMIT],
  takes: ['app', 'at'],
  run: async (invocation) => {
    const { client, read, options } = invocation;
    const limit = options.limit === undefined ? {} : { limit: String(options.limit) };
    const deploys = await (
      await client()
    ).deploys.list(await invocation.app(), { ...read, ...limit });
    invocation.out.json(deploys);
    await invocation.out.table(deploys, columns(invocation), NONE);
  },
});

const show = defineCommand({
  name: 'show',
  args: [['[deploy]', 'id, from `deploys list`; default: the newest']],
  summary: 'show one deploy, and why it failed',
  examples: [
    ['deploys show -a shop', 'the newest: what was tried, what the instance said'],
    ['deploys show app_0190…-g3 -a shop', 'another one'],
  ],
  takes: ['app', 'at'],
  run: async ({ args, app, client, read, out, io }) => {
    const { deploys: api } = await client();
    const deploy =
      args[0] === undefined
        ? (await api.list(await app(), { ...read, limit: '1' }))[0]
        : await api.show(await app(), args[0], read);
    out.json(deploy ?? null);
    if (deploy === undefined) {
      out.line(NONE);
      return;
    }
    out.fields([
      ['Deploy', deploy.id],
      ['Release', `v${deploy.release}`],
      ['Before', deploy.fromRelease === null ? null : `v${deploy.fromRelease}`],
      ['State', deploy.state],
      ['Created', `${relativeTime(deploy.createdAt, io.now())} by ${deploy.createdBy}`],
      ['Reason', deploy.reason],
      ['Deadline', deploy.finishedAt === null ? relativeTime(deploy.deadline, io.now()) : null],
      ['Took', tookText(deploy)],
      ['Cancelled', deploy.cancelCause],
    ]);
    if (deploy.explanation !== null) {
      out.line();
      out.line(printable(deploy.explanation.summary));
      out.line(renderExplanation(deploy.explanation, out.colors));
    }
  },
});

const cancel = defineCommand({
  name: 'cancel',
  args: [['<deploy>', 'id, from `deploys list`']],
  summary: 'cancel a deploy; what served before goes on serving',
  examples: [['deploys cancel 0190…-g3 -a shop', 'back to the release that serves']],
  takes: ['app', 'reason'],
  run: async ({ args, app, client, change, out }) => {
    const answer = await (await client()).deploys.cancel(await app(), args[0] ?? '', change);
    out.json(answer);
    out.line('The deploy is being cancelled; what served before goes on serving.');
  },
});

export const deploys: GroupSpec = {
  name: 'deploys',
  summary: 'list deploys, explain them, cancel them',
  commands: [list, show, cancel],
};
