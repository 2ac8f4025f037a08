import type { Release } from '@shiplog/api-client';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { usageError } from '../exit-code.js';
import { LIMIT } from '../parse/limit.js';
import { followProgress } from '../progress/follow-progress.js';
import { printableLine } from '../render/printable.js';
import { diffOf } from '../render/release-diff.js';
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

const show = defineCommand<{ diff?: string | true }>({
  name: 'show',
  args: [['<version>', '3 or v3']],
  summary: 'show one release, or what is another in it',
  details:
    'With --diff: what is another than in the release before it, or in the one that is named. Of config the ' +
    'keys that were set or taken away are told, never the values.',
  examples: [
    ['releases show v3 -a shop', 'image, layers, commit, processes, config keys'],
    ['releases show v5 --diff -a shop', 'what v5 changed'],
    ['releases show v5 --diff=v2 -a shop', 'all that was changed since v2'],
  ],
  options: [{ flags: '--diff [version]', help: 'against this release; default: the one before' }],
  takes: ['app', 'at'],
  run: async (invocation) => {
    const { args, app, client, read, out, io, options } = invocation;
    if (options.diff !== undefined) return showDiff(invocation, options.diff);
    const release = await (await client()).releases.show(await app(), args[0] ?? '', read);
    out.json(release);
    out.fields([
      ['Release', `v${release.version}`],
      ['State', release.state],
      ['Why', whyText(release)],
      ['Image', `${release.image} (${sizeText(release.imageBytes)})`],
      ['Image id', release.imageId],
      ['Layers', release.layers === null ? null : layersText(release.layers)],
      ['Build', release.buildId],
      ['Commit', commitText(release)],
      ['From', promotedText(release)],
      ['Config set', release.configChanges.set.join(', ') || null],
      ['Config unset', release.configChanges.unset.join(', ') || null],
      ['Processes', release.processes.join(', ')],
      ['Created', `${relativeTime(release.createdAt, io.now())} by ${release.createdBy}`],
      ['Reason', release.reason],
    ]);
  },
});

const commitText = ({ commit, branch }: Release): string | null =>
  commit === null ? null : `${commit}${branch === null ? '' : ` (${branch})`}`;

const promotedText = ({ promotedFrom }: Release): string | null =>
  promotedFrom === null ? null : `v${promotedFrom.version} of ${promotedFrom.appId}`;

/** `9 layers; largest: RUN 41 MB, COPY 12 MB`: what a smaller image would have to do without. */
const layersText = (
  layers: readonly { readonly instruction: string | null; readonly bytes: number }[],
): string => {
  const largest = layers
    .toSorted((a, b) => b.bytes - a.bytes)
    .slice(0, 3)
    .map(({ instruction, bytes }) => `${instruction ?? 'base'} ${sizeText(bytes)}`);
  const what = layers.length === 1 ? '1 layer' : `${layers.length} layers`;
  return largest.length === 0 ? what : `${what}; largest: ${largest.join(', ')}`;
};

/** As many as one answer holds: a longer way back has to be asked in parts. */
const DIFF_RELEASES_MAX = '200';

const showDiff = async (
  { args, app, client, read, out }: Invocation,
  against: string | true,
): Promise<void> => {
  const { releases: api } = await client();
  const name = await app();
  const to = await api.show(name, args[0] ?? '', read);
  const all = await api.list(name, { ...read, limit: DIFF_RELEASES_MAX });
  const from =
    against === true
      ? all.find(({ version }) => version < to.version)
      : await api.show(name, against, read);
  if (from === undefined) {
    throw usageError(
      `v${to.version} is the first release: there is none before it`,
      `See what is in it: shiplog releases show v${to.version} -a ${name}`,
    );
  }
  const [older, newer] = from.version < to.version ? [from, to] : [to, from];
  const diff = diffOf(all, older, newer);
  out.json(diff);
  const { image, config, processes } = diff;
  const side = ({ image: ref, imageBytes, commit }: NonNullable<typeof image>['from']): string =>
    `${ref} (${sizeText(imageBytes)}${commit === null ? '' : `, ${commit.slice(0, 12)}`})`;
  out.fields([
    ['From', `v${diff.from}`],
    ['To', `v${diff.to}`],
    ['Image', image === null ? 'the same' : `${side(image.from)} → ${side(image.to)}`],
    ['Config set', config.set.join(', ') || null],
    ['Config unset', config.unset.join(', ') || null],
    ['New processes', processes.added.join(', ') || null],
    ['Gone processes', processes.removed.join(', ') || null],
  ]);
};

const promote = defineCommand<{ to?: string }>({
  name: 'promote',
  args: [['<version>', '3 or v3']],
  summary: 'release the same image in another app, without a build',
  details:
    'Image and process types are those of the release; config, settings and domains are those of the other ' +
    'app. It is rolled out there by the strategy of that app.',
  examples: [
    ['releases promote v12 -a shop-staging --to shop', 'what was tried out goes to production'],
  ],
  options: [{ flags: '--to <app>', help: 'the other app' }],
  takes: ['app', 'reason', 'wait', 'override'],
  run: async (invocation) => {
    const { args, options, out, client, change } = invocation;
    if (options.to === undefined) {
      throw usageError('it is not said which app gets it', 'Name it: --to APP');
    }
    const from = await invocation.app();
    const answer = await (await client()).releases.promote(from, args[0] ?? '', options.to, change);
    if (options.wait === false) {
      out.json({ ...answer, settled: false });
      out.line(`v${answer.release} of ${answer.app} was asked for; not waiting.`);
      return;
    }
    const {
      kind: _kind,
      at: _at,
      ...done
    } = await followProgress(invocation, answer.app, {
      deploy: answer.deployId,
    });
    out.json({ ...answer, settled: true, ...done });
    out.line(printableLine(done.text));
  },
});

export const releases: GroupSpec = {
  name: 'releases',
  summary: 'list and show releases, promote them to other apps',
  commands: [list, show, promote],
};
