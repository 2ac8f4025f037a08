import type { Release } from '@shiplog/api-client';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { LIMIT } from '../parse/limit.js';
import { sizeText } from '../render/size.js';
import { stateColor } from '../render/state.js';
import type { Column } from '../render/table.js';
import { relativeTime } from '../render/time.js';

const columns = ({ io, out }: Invocation): readonly Column<Release>[] => [
  { title: 'release', value: ({ version }) => `v${version}` },
  { title: 'state', value: ({ state }) => state, paint: stateColor(out.colors) },
  { title: 'made from', value: sourceText },
  { title: 'why', value: whyText },
  { title: 'created', value: ({ createdAt }) => relativeTime(createdAt, io.now()) },
  { title: 'by', value: ({ createdBy }) => createdBy },
  { title: 'reason', value: ({ reason }) => reason },
];

/** The commit where there is one; an image's own name; else the build, which names the image. */
const sourceText = ({ commit, branch, image, buildId, cause }: Release): string => {
  if (commit !== null) return `${commit.slice(0, 12)}${branch === null ? '' : ` ${branch}`}`;
  return cause === 'image' ? image : (buildId ?? image);
};

const whyText = ({ cause, rollbackOf }: Release): string =>
  rollbackOf === null ? cause : `rollback to v${rollbackOf}`;

const list = defineCommand<{ limit?: number }>({
  name: 'list',
  summary: 'list releases, newest first',
  examples: [
    ['releases list -a shop', 'what served when, and who made it'],
    ["releases list -a shop --json | jq '.[0]'", 'the newest one'],
  ],
  options: [LIMIT],
  takes: ['app', 'at'],
  run: async (invocation) => {
    const { client, read, options } = invocation;
    const limit = options.limit === undefined ? {} : { limit: String(options.limit) };
    const releases = await (
      await client()
    ).releases.list(await invocation.app(), { ...read, ...limit });
    invocation.out.json(releases);
    await invocation.out.table(releases, columns(invocation), 'No releases yet: shiplog deploy');
  },
});

const show = defineCommand({
  name: 'show',
  args: [['<version>', '3 or v3']],
  summary: 'show one release',
  examples: [['releases show v3 -a shop', 'image, processes, config keys']],
  takes: ['app', 'at'],
  run: async ({ args, app, client, read, out, io }) => {
    const release = await (await client()).releases.show(await app(), args[0] ?? '', read);
    out.json(release);
    out.fields([
      ['Release', `v${release.version}`],
      ['State', release.state],
      ['Why', whyText(release)],
      ['Image', `${release.image} (${sizeText(release.imageBytes)})`],
      ['Image id', release.imageId],
      ['Build', release.buildId],
      ['Processes', release.processes.join(', ')],
      ['Created', `${relativeTime(release.createdAt, io.now())} by ${release.createdBy}`],
      ['Reason', release.reason],
    ]);
  },
});

export const releases: GroupSpec = {
  name: 'releases',
  summary: 'list and show releases',
  commands: [list, show],
};
