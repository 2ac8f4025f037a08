import { LABEL } from '@shiplog/engine';
import { faultPoint } from '@shiplog/runtime';
import type { BuildListener } from '../engine/engine-build.js';
import type { NodeRecipe } from '../recipes/node-recipe.js';
import {
  CONTEXT,
  STEPS,
  headingOf,
  needsNoBuild,
  renderApp,
  renderBuild,
  takesSourceAsIs,
} from '../recipes/render-dockerfile.js';
import { contextOf, type OpenArchive, type Placement } from '../sources/archive.js';
import type { Stack } from '../stack/stacks.js';
import { cacheTag, imageTag, type BuildResult } from './build-job.js';
import { networkOf, type BuildNetwork } from './build-network.js';
import { buildContext, resultOf, type BuildTask } from './build-task.js';
import { forgetOldCaches, keepUnfinished } from './build-cache.js';
import { StepFailedError } from './problems.js';

/** Label of images that only make the next build faster; nothing is lost with them. */
const CACHE_KIND = 'build-cache';

/** Builds a Node.js app in two images: one with everything that building needs, one without. */
export const buildNodeApp = async (
  task: BuildTask,
  recipe: NodeRecipe,
  open: OpenArchive,
): Promise<BuildResult> => {
  for (const warning of recipe.warnings) task.output.line(`Note: ${warning}`);
  const network = await networkOf();
  const app = { task, recipe, open, network };
  const runtime = await obtain(task, recipe, false);
  task.output.line(`Node.js ${runtime.nodeVersion}`);
  const built = needsNoBuild(recipe) ? undefined : await installAndBuild(app, runtime);
  faultPoint('builder/after-install');
  task.output.line('Putting the image together');
  const id = await buildContext(task, {
    context: contextOf(takesSourceAsIs(recipe) ? open : undefined, {
      own: { Dockerfile: renderApp(recipe, runtime.ref, built) },
      placements: [intoSource],
    }),
    tag: imageTag(task.parts.platform, task.job),
    labels: {},
    network,
    listener: quietListener(task, () => undefined),
  });
  if (built !== undefined) await forgetOldCaches(task, 'all');
  return resultOf(task, id, recipe.processes, 'node');
};

interface NodeBuild {
  readonly task: BuildTask;
  readonly recipe: NodeRecipe;
  readonly open: OpenArchive;
  readonly network: BuildNetwork;
}

const obtain = (task: BuildTask, { engines }: NodeRecipe, compilers: boolean): Promise<Stack> =>
  task.parts.stacks.obtain(
    { engines, compilers },
    { signal: task.signal, onLine: task.output.line },
  );

/** Compilers are a large image: it is used where they are probably needed, or turn out to be. */
const installAndBuild = async (app: NodeBuild, runtime: Stack): Promise<string> => {
  const { task, recipe } = app;
  if (recipe.compiles) return buildOn(app, await obtain(task, recipe, true));
  try {
    return await buildOn(app, runtime);
  } catch (error) {
    if (!(error instanceof StepFailedError) || !lacksCompiler(task.output.tail())) throw error;
    task.output.line('A module has to be compiled: once more, with compilers.');
    return buildOn(app, await obtain(task, recipe, true));
  }
};

const lacksCompiler = (lines: readonly string[]): boolean =>
  lines.some((line) =>
    /Could not find any Python|not found: (make|python3?|g\+\+|gcc|cc)\b|(make|g\+\+|gcc|python3?): (command )?not found|spawn (make|python3?) ENOENT/i.test(
      line,
    ),
  );

const buildOn = async (app: NodeBuild, stack: Stack): Promise<string> => {
  const { task, recipe, open, network } = app;
  let layer: string | undefined;
  try {
    return await buildContext(task, {
      context: contextOf(open, {
        own: {
          Dockerfile: renderBuild(recipe, stack.ref, network.certificates !== undefined),
          ...networkFiles(network),
        },
        placements: placementsOf(recipe),
      }),
      tag: cacheTag(task.parts.platform, task.job),
      labels: { [LABEL.kind]: CACHE_KIND },
      network,
      listener: quietListener(task, (id) => (layer = id)),
    });
  } catch (error) {
    // What was installed before the failing step is there for the next attempt, under a name.
    await keepUnfinished(task, error, layer === undefined ? [] : [layer]);
    throw error;
  }
};

const networkFiles = ({ registry, certificates }: BuildNetwork): Record<string, string> => ({
  // npm notes beside what it installs where that came from, and the image takes the note along.
  [CONTEXT.npmrc]: `omit-lockfile-registry-resolved=true\n${registry === undefined ? '' : `registry=${registry}\n`}`,
  ...(certificates === undefined ? {} : { [CONTEXT.certificates]: certificates }),
});

const placementsOf = (recipe: NodeRecipe): readonly Placement[] => {
  const manifests: Placement = (name) =>
    recipe.manifests.includes(name) ? `${CONTEXT.manifests}/${name}` : undefined;
  if (recipe.installFrom !== 'manifests') return [intoSource];
  return recipe.runsBuildScript ? [manifests, intoSource] : [manifests];
};

/** Installed modules and history are not part of a source. */
const intoSource: Placement = (name) =>
  /^(node_modules|\.git)(\/|$)/.test(name) ? undefined : `${CONTEXT.source}/${name}`;

/** Shows what our steps do and what they print, not how they are written. */
const quietListener = (task: BuildTask, onLayer: (id: string) => void): BuildListener => {
  let heading: string | undefined;
  const isNoise = noiseFilter();
  return {
    step: (instruction) => {
      heading = headingOf(instruction);
      if (heading !== undefined) task.output.line(heading);
      if (heading?.startsWith(STEPS.install) === true) faultPoint('builder/during-install');
    },
    cached: () => {
      if (heading !== undefined) task.output.line('  (unchanged, not run again)');
    },
    line: (text) => {
      if (!isNoise(text)) task.output.line(`  ${text}`);
    },
    container: (id) => task.leftovers.add(id),
    layer: onLayer,
  };
};

/** npm ends an error about a lock file with its whole manual page, which would hide the error. */
const noiseFilter = (): ((text: string) => boolean) => {
  let isManual = false;
  return (text) => {
    // Where to find headers is said in the environment, which npm takes for a setting of its own.
    if (/Unknown (env|user) config "nodedir"/.test(text)) return true;
    if (/^npm error (Clean install a project|Usage:)$/.test(text)) isManual = true;
    if (!text.startsWith('npm error') || /complete log of this run/.test(text)) isManual = false;
    return isManual;
  };
};
