import { describeImage } from '../engine/images.js';
import { askEngine } from '../engine/engine-errors.js';
import { pullImage } from '../engine/pull.js';
import { imageTag, type BuildResult } from './build-job.js';
import type { BuildTask } from './build-task.js';
import { ImageNotFoundError } from './problems.js';

/** An image that exists already: from its registry, or this machine's own of that name. */
export const takeImage = async (task: BuildTask, ref: string): Promise<BuildResult> => {
  const { engine, platform } = task.parts;
  const { output, job, signal } = task;
  output.line(`Pulling ${ref}`);
  const pulled = await pullImage(engine, ref, signal, output.line);
  signal.throwIfAborted();
  const image = await describeImage(engine, ref);
  if (image === undefined) {
    throw new ImageNotFoundError(
      ref,
      pulled.outcome === 'pulled' ? 'the engine has lost it again' : pulled.why.slice(0, 500),
    );
  }
  if (pulled.outcome === 'not-pulled') {
    output.line(`Not pulled (${pulled.why}); this machine has an image of that name.`);
  }
  // A name of our own keeps it from being cleared away when its own name moves on.
  const tag = imageTag(platform, job);
  const at = tag.lastIndexOf(':');
  await askEngine('naming an image', () =>
    engine.getImage(image.id).tag({ repo: tag.slice(0, at), tag: tag.slice(at + 1) }),
  );
  return { image, processes: { web: { command: null } }, stack: 'image' };
};
