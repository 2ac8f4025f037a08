import type { Readable } from 'node:stream';
import type { BuildListener } from '../engine/engine-build.js';
import { recipeOf } from '../recipes/detect.js';
import { contextOf, type Placement } from '../sources/archive.js';
import { parseDockerignore } from '../sources/dockerignore.js';
import { readSourceFacts } from '../sources/source-facts.js';
import { forgetOldCaches, keepAsCache, keepUnfinished } from './build-cache.js';
import { imageTag, type BuildResult } from './build-job.js';
import { networkOf } from './build-network.js';
import { buildNodeApp } from './build-node-app.js';
import { buildContext, resultOf, type BuildTask } from './build-task.js';
import { StageLayers } from './stage-layers.js';
import { takeImage } from './take-image.js';

/** Makes the image of a build, again if it was made before. Throws the typed problems of `problems.ts`. */
export const buildImage = async (task: BuildTask): Promise<BuildResult> => {
  const { source } = task.job;
  if (source.kind === 'image') return takeImage(task, source.ref);
  const open = () => task.parts.sources.read(source.digest);
  const facts = await readSourceFacts(open);
  task.signal.throwIfAborted();
  const recipe = recipeOf(facts);
  if (recipe.kind === 'node') return buildNodeApp(task, recipe, open);

  for (const name of recipe.stacks) {
    await task.parts.stacks.provide(name === 'node-compilers', {
      signal: task.signal,
      onLine: task.output.line,
    });
  }
  task.output.line('Building the Dockerfile.');
  const ignores = parseDockerignore(facts.texts.get('.dockerignore') ?? '');
  const inContext: Placement = (name) => (ignores(name) ? undefined : name);
  const id = await buildDockerfile(task, () =>
    contextOf(open, { own: {}, placements: [inContext] }),
  );
  return resultOf(task, id, recipe.processes, 'dockerfile');
};

/**
 * The image holds the layers of its last stage. Those of other stages, and of a build that did not come
 * to its end, belong to nothing: as caches they are used again, and removed when they are replaced.
 */
const buildDockerfile = async (task: BuildTask, openContext: () => Readable): Promise<string> => {
  const network = await networkOf();
  const stages = new StageLayers();
  let id: string;
  try {
    id = await buildContext(task, {
      context: openContext(),
      tag: imageTag(task.parts.platform, task.job),
      labels: {},
      network,
      listener: dockerfileListener(task, stages),
    });
  } catch (error) {
    await keepUnfinished(task, error, [...stages.ended, ...stages.current]);
    throw error;
  }
  await keepAsCache(task, stages.ended, 'stage');
  await forgetOldCaches(task, 'all');
  return id;
};

/** A Dockerfile's author wrote the steps and reads them. */
const dockerfileListener = (
  { output, leftovers }: BuildTask,
  stages: StageLayers,
): BuildListener => ({
  step: (instruction, number) => {
    stages.step(instruction);
    output.line(`Step ${number}: ${instruction}`);
  },
  cached: () => output.line('  (unchanged, not run again)'),
  line: output.line,
  container: (id) => leftovers.add(id),
  layer: (id) => stages.layer(id),
});
