import type { BuildListener } from '../engine/engine-build.js';
import { recipeOf } from '../recipes/detect.js';
import { contextOf } from '../sources/archive.js';
import { readSourceFacts } from '../sources/source-facts.js';
import { imageTag, type BuildResult } from './build-job.js';
import { networkOf } from './build-network.js';
import { buildNodeApp } from './build-node-app.js';
import { buildContext, resultOf, type BuildTask } from './build-task.js';
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
  const network = await networkOf();
  const id = await buildContext(task, {
    context: contextOf(open, { own: {}, placements: [(name) => name] }),
    tag: imageTag(task.parts.platform, task.job),
    labels: {},
    network,
    listener: dockerfileListener(task),
  });
  return resultOf(task, id, recipe.processes, 'dockerfile');
};

/** A Dockerfile's author wrote the steps and reads them. */
const dockerfileListener = ({ output, leftovers }: BuildTask): BuildListener => ({
  step: (instruction, number) => output.line(`Step ${number}: ${instruction}`),
  cached: () => output.line('  (unchanged, not run again)'),
  line: output.line,
  container: (id) => leftovers.add(id),
  layer: () => undefined,
});
