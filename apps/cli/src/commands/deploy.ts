import type { App, DeployPlan, ProgressLine, Settings } from '@shiplog/api-client';
import { defineCommand, type Invocation } from '../command.js';
import { isLoopback } from '../connection/resolve-connection.js';
import { usageError } from '../exit-code.js';
import { parseSetting } from '../parse/setting.js';
import { followProgress } from '../progress/follow-progress.js';
import { withNotice } from '../progress/progress-view.js';
import { printableLine } from '../render/printable.js';
import { sizeText } from '../render/size.js';
import { durationText } from '../render/time.js';

interface DeployOptions {
  readonly image?: string;
  readonly port?: string;
  readonly healthPath?: string;
  readonly strategy?: string;
  readonly plan?: boolean;
}
type DeployInvocation = Invocation<DeployOptions>;

export const deploy = defineCommand<DeployOptions>({
  name: 'deploy',
  args: [['[directory]', 'what to deploy; default: this directory']],
  summary: 'deploy a directory or an image',
  details:
    'Sends what git would take (or all that .gitignore, .dockerignore and .shiplogignore do not leave out), ' +
    'builds it from its Dockerfile or as a Node.js app, and replaces the running release without a gap. ' +
    'When it fails, the old release goes on serving, and the reason is printed.',
  examples: [
    ['deploy -a shop', 'this directory'],
    ['deploy ./services/shop -a shop', 'another directory'],
    ['deploy -a shop --image nginx:1.27 --port 80', 'an image, which listens on port 80'],
    ['deploy -a shop --strategy canary', 'a growing share of the requests; kept for later deploys'],
    ['deploy -a shop --plan', 'what it would do: steps, instances, warnings; nothing is done'],
    ['deploy -a shop --no-wait --json', 'return at once with the id of the build'],
  ],
  options: [
    { flags: '--image <ref>', help: 'deploy this image instead of a directory' },
    {
      flags: '--port <port>',
      help: 'port on which `web` listens (default: the image says, else 8080)',
    },
    { flags: '--health-path <path>', help: 'HTTP path that answers 2xx or 3xx when it is ready' },
    {
      flags: '--strategy <name>',
      help: 'rolling, blue-green or canary; kept as a setting (see `settings set`)',
    },
    { flags: '--plan', help: 'show what would happen, and do nothing' },
  ],
  takes: ['app', 'reason', 'wait', 'override'],
  run: async (invocation) => {
    const { args, options, client, change } = invocation;
    if (options.image !== undefined && args[0] !== undefined) {
      throw usageError('a directory and --image were given; deploy one of them');
    }
    const settings = settingsOf(options);
    if (options.plan === true) return showPlan(invocation, settings.strategy);
    const app = await (await client()).apps.show(await invocation.app(), {});
    const source = await sourceOf(invocation, app);
    const api = await client();
    const request = () => api.builds.request(app.name, source, change);
    // Where a deploy would be refused, it is asked for first: what it was to change must not stay.
    const refused = isHeld(app) && change.override === undefined ? await request() : undefined;
    if (Object.keys(settings).length > 0) await api.settings.change(app.name, settings, change);
    await finish(invocation, app, refused ?? (await request()));
  },
});

const isHeld = ({ gate }: App): boolean => gate.lock !== null || gate.frozen.length > 0;

const showPlan = async (
  { client, app, out }: DeployInvocation,
  strategy: Settings['strategy'] | undefined,
): Promise<void> => {
  const plan = await (await client()).deploys.plan(await app(), strategy);
  out.json(plan);
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([type, count]) => `${type}=${count}`)
      .join(' ');
  out.fields([
    ['Strategy', plan.strategy],
    ['Takes over from', plan.fromRelease === null ? null : `v${plan.fromRelease}`],
    ['Instances', counts(plan.wanted)],
    ['At most', `${counts(plan.atMost)} at one time, old and new`],
    ['Release command', releaseText(plan.releaseCommand)],
    ['Deadline', durationText(plan.deadlineSeconds * 1000)],
  ]);
  plan.order.forEach((line, i) => out.line(`${`${i + 1}.`.padStart(4)} ${printableLine(line)}`));
  for (const warning of plan.warnings) out.line(`Note: ${printableLine(warning)}`);
  out.line('Nothing was done.');
};

const releaseText = (of: DeployPlan['releaseCommand']): string | null =>
  of === null
    ? null
    : `${printableLine(of.command.join(' '))}, for up to ${durationText(of.deadlineSeconds * 1000)}`;

const settingsOf = ({ port, healthPath, strategy }: DeployOptions): Partial<Settings> => ({
  ...(port !== undefined && parseSetting('port', port)),
  ...(healthPath !== undefined && parseSetting('health-path', healthPath)),
  ...(strategy !== undefined && parseSetting('strategy', strategy)),
});

const sourceOf = async (invocation: DeployInvocation, app: App) => {
  const { image } = invocation.options;
  if (image !== undefined) return { kind: 'image', ref: image } as const;
  return uploadDirectory(invocation, app);
};

const uploadDirectory = async ({ args, io, out, client, change }: DeployInvocation, app: App) => {
  // Here and not above: most commands never make an archive.
  const { readSourceTree } = await import('../deploy/source-files.js');
  const { createArchive } = await import('../deploy/archive.js');
  const tree = await readSourceTree(args[0] ?? '.', io.cwd);
  for (const left of tree.leftOut) out.note(`Left out ${printableLine(left)}`);
  const api = await client();
  // Over loopback compressing costs more than it saves.
  const gzip = !isLoopback(api.url);
  const { length } = tree.entries;
  const what = `${length} ${length === 1 ? 'file' : 'files'}, ${sizeText(tree.bytes)}`;
  out.note(`Sending ${printableLine(tree.root)} (${what})`);
  const stored = await withNotice(
    { io, out },
    'sending',
    api.builds.uploadSource(app.name, () => createArchive(tree, { gzip }), { ...change, gzip }),
  );
  return {
    kind: 'archive',
    via: 'upload',
    digest: stored.digest,
    commit: tree.commit,
    branch: tree.branch,
  } as const;
};

const finish = async (
  invocation: DeployInvocation,
  app: App,
  build: { readonly buildId: string; readonly sequence: string },
): Promise<void> => {
  const { out, options } = invocation;
  if (options.wait === false) {
    out.json({ app: app.name, ...build, settled: false });
    out.line(`Build ${build.buildId} was asked for; not waiting.`);
    out.line(`Follow it: shiplog builds output ${build.buildId} -f -a ${app.name}`);
    return;
  }
  const done = await followProgress(invocation, app.name, { build: build.buildId });
  out.json({ app: app.name, ...build, settled: true, ...resultOf(done) });
  out.line(printableLine(done.text));
};

const resultOf = ({ kind: _kind, at: _at, version, ...rest }: ProgressLine) => ({
  ...(version !== undefined && { release: version }),
  ...rest,
});
