import type { Build } from '@shiplog/api-client';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { LIMIT } from '../parse/limit.js';
import { renderExplanation } from '../render/explanation.js';
import { printable, printableLine } from '../render/printable.js';
import { stateColor } from '../render/state.js';
import type { Column } from '../render/table.js';
import { relativeTime } from '../render/time.js';

const NONE = 'No builds yet: shiplog deploy';

const sourceText = ({ source }: Build): string => {
  if (source.kind === 'image') return source.ref ?? '';
  if (source.commit === null) return source.via ?? 'archive';
  return `${source.commit.slice(0, 12)}${source.branch === null ? '' : ` ${source.branch}`}`;
};

const columns = ({ io, out }: Invocation): readonly Column<Build>[] => [
  { title: 'build', value: ({ id }) => id },
  { title: 'state', value: ({ state }) => state, paint: stateColor(out.colors) },
  { title: 'source', value: sourceText },
  { title: 'release', value: ({ release }) => (release === null ? '' : `v${release}`) },
  { title: 'created', value: ({ createdAt }) => relativeTime(createdAt, io.now()) },
  { title: 'by', value: ({ createdBy }) => createdBy },
  { title: 'reason', value: ({ reason }) => reason },
];

const list = defineCommand<{ limit?: number }>({
  name: 'list',
  summary: 'list builds, newest first',
  examples: [['builds list -a shop', 'the newest 100']],
  options: [LIMIT],
  takes: ['app', 'at'],
  run: async (invocation) => {
    const { client, read, options } = invocation;
    const limit = options.limit === undefined ? {} : { limit: String(options.limit) };
    const builds = await (
      await client()
    ).builds.list(await invocation.app(), { ...read, ...limit });
    invocation.out.json(builds);
    await invocation.out.table(builds, columns(invocation), NONE);
  },
});

const show = defineCommand({
  name: 'show',
  args: [['[build]', 'id, from `builds list`; default: the newest']],
  summary: 'show one build, and why it failed',
  examples: [
    ['builds show -a shop', 'the newest: source, image, times'],
    ['builds show bld_0190… -a shop', 'another one'],
  ],
  takes: ['app', 'at'],
  run: async ({ args, app, client, read, out, io }) => {
    const { builds: api } = await client();
    const build =
      args[0] === undefined
        ? (await api.list(await app(), { ...read, limit: '1' }))[0]
        : await api.show(await app(), args[0], read);
    out.json(build ?? null);
    if (build === undefined) {
      out.line(NONE);
      return;
    }
    out.fields([
      ['Build', build.id],
      ['State', build.state],
      ['Source', sourceText(build)],
      ['Image', build.image],
      ['Release', build.release === null ? null : `v${build.release}`],
      ['Created', `${relativeTime(build.createdAt, io.now())} by ${build.createdBy}`],
      ['Reason', build.reason],
      ['Finished', relativeTime(build.finishedAt, io.now())],
    ]);
    if (build.explanation !== null) {
      out.line();
      out.line(printable(build.explanation.summary));
      out.line(renderExplanation(build.explanation, out.colors));
    }
  },
});

const output = defineCommand<{ follow?: boolean }>({
  name: 'output',
  args: [['[build]', 'id; default: the newest']],
  summary: 'show what a build printed',
  examples: [
    ['builds output -a shop', 'of the newest build'],
    ['builds output 0190… -a shop -f', 'and go on until it ends'],
  ],
  options: [{ flags: '-f, --follow', help: 'go on until the build ends' }],
  takes: ['app'],
  onlyNow: 'What a build printed is not in the log of events, and does not change afterwards.',
  run: async ({ args, app, client, out, io, options }) => {
    const api = await client();
    const name = await app();
    const build = args[0] ?? (await newestOf(api.builds.list(name, { limit: '1' })));
    if (build === undefined) {
      out.line(NONE);
      return;
    }
    for await (const line of api.buildOutput(name, build, { follow: options.follow === true })) {
      out.json(line);
      out.line(printableLine(line.text));
      if (io.signal.aborted) return;
    }
  },
});

const newestOf = async (builds: Promise<readonly Build[]>): Promise<string | undefined> =>
  (await builds)[0]?.id;

const cancel = defineCommand({
  name: 'cancel',
  args: [['<build>', 'id, from `builds list`']],
  summary: 'cancel a build',
  examples: [['builds cancel 0190… -a shop', 'nothing is released of it']],
  takes: ['app', 'reason'],
  run: async ({ args, app, client, change, out }) => {
    const answer = await (await client()).builds.cancel(await app(), args[0] ?? '', change);
    out.json(answer);
    out.line('The build is being cancelled.');
  },
});

export const builds: GroupSpec = {
  name: 'builds',
  summary: 'list builds, show their output, cancel them',
  commands: [list, show, output, cancel],
};
