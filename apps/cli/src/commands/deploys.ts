import type { Deploy } from '@shiplog/api-client';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { CliError, EXIT } from '../exit-code.js';
import { LIMIT } from '../parse/limit.js';
import { renderExplanation } from '../render/explanation.js';
import { followProgress } from '../progress/follow-progress.js';
import { printable, printableLine } from '../render/printable.js';
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
      ['Strategy', strategyText(deploy)],
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

const promote = defineCommand<{ next?: boolean }>({
  name: 'promote',
  args: [['[deploy]', 'id, from `deploys list`; default: the newest']],
  summary: 'let a deploy go on without waiting for its steps',
  details:
    'A canary goes to all requests without a verdict, a pause between batches ends, what a blue-green ' +
    'deploy kept is stopped. With --next only the next step is not waited for.',
  examples: [
    ['deploys promote -a shop', 'the newest one goes live for everybody'],
    ['deploys promote -a shop --next', 'one step further'],
  ],
  options: [{ flags: '--next', help: 'only to the next step' }],
  takes: ['app', 'reason', 'wait', 'override'],
  run: async (invocation) => {
    const app = await invocation.app();
    const { deploys: api } = await invocation.client();
    const { next, wait } = invocation.options;
    const id = await newestUnless(invocation, app);
    const answer = await api.promote(app, id, next === true ? 'next' : 'live', invocation.change);
    if (next === true || wait === false) {
      invocation.out.json({ ...answer, deploy: id, settled: false });
      invocation.out.line(`Deploy ${id} goes on. See: shiplog deploys show ${id} -a ${app}`);
      return;
    }
    const { kind: _kind, at: _at, ...done } = await followProgress(invocation, app, { deploy: id });
    invocation.out.json({ ...answer, deploy: id, settled: true, ...done });
    invocation.out.line(printableLine(done.text));
  },
});

const abort = defineCommand({
  name: 'abort',
  args: [['[deploy]', 'id, from `deploys list`; default: the newest']],
  summary: 'go back at once to what served before a deploy that is on its way',
  details:
    'The same as cancel, without having to name the newest deploy. The old instances still run: they get ' +
    'all requests again as soon as the routers confirm it.',
  examples: [['deploys abort -a shop -m "carts are empty"', 'back to the release that served']],
  takes: ['app', 'reason'],
  run: async (invocation) => {
    const app = await invocation.app();
    const id = await newestUnless(invocation, app);
    const { deploys: api } = await invocation.client();
    const answer = await api.cancel(app, id, invocation.change);
    invocation.out.json({ ...answer, deploy: id });
    invocation.out.line(`Deploy ${id} is being cancelled; what served before serves again.`);
  },
});

const newestUnless = async (
  { args, client }: Pick<Invocation, 'args' | 'client'>,
  app: string,
): Promise<string> => {
  if (args[0] !== undefined) return args[0];
  const [newest] = await (await client()).deploys.list(app, { limit: '1' });
  if (newest !== undefined) return newest.id;
  throw new CliError(EXIT.notFound, 'deploy-not-found', 'nothing was deployed yet', {
    remedy: 'Deploy first: shiplog deploy',
  });
};

/** `canary, step 1: 10% of the requests`; nothing more where there are no steps. */
const strategyText = ({ strategy, step, percent }: Deploy): string | null => {
  if (strategy === null || step === 0) return strategy;
  const what = strategy === 'rolling' ? 'instances' : 'requests';
  return `${strategy}, step ${step}: ${percent ?? 0}% of the ${what}`;
};

export const deploys: GroupSpec = {
  name: 'deploys',
  summary: 'list deploys, explain them, promote or cancel them',
  commands: [list, show, cancel, promote, abort],
};
