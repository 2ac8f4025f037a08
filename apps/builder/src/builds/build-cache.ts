import { engineStatus } from '@shiplog/engine';
import { askEngine } from '../engine/engine-errors.js';
import { inspectImage, removeImage } from '../engine/images.js';
import { cacheRepository, cacheTag } from './build-job.js';
import type { BuildTask } from './build-task.js';
import { BuildInterrupted, StepFailedError } from './problems.js';

/**
 * `stage`: what a finished build was made of beside its image. `unfinished`: as far as a build came that
 * failed or was ended.
 */
type CacheKind = 'stage' | 'unfinished';

/** Gives layers a name, so that they are found again and can be removed: the engine keeps them for ever. */
export const keepAsCache = async (
  task: BuildTask,
  layers: readonly string[],
  kind: CacheKind,
): Promise<void> => {
  const { engine, platform } = task.parts;
  const name = cacheTag(platform, task.job);
  const at = name.lastIndexOf(':');
  const repository = cacheRepository(platform, task.job.appId);
  for (const [index, layer] of layers.entries()) {
    // A program in a step can print what looks like the engine's word: an image with a name is not ours to name.
    const image = await inspectImage(engine, layer);
    if (image?.RepoTags?.some((other) => !other.startsWith(`${repository}:`)) === true) continue;
    const tag = `${name.slice(at + 1)}-${kind}-${index + 1}`;
    await askEngine('naming a cached layer', async () => {
      try {
        await engine.getImage(layer).tag({ repo: name.slice(0, at), tag });
      } catch (error) {
        if (engineStatus(error) !== 404) throw error;
      }
    });
  }
};

/** What was done before the step that failed, or was ended, is there for the next attempt. */
export const keepUnfinished = async (
  task: BuildTask,
  error: unknown,
  layers: readonly string[],
): Promise<void> => {
  const isWorthIt = error instanceof StepFailedError || error instanceof BuildInterrupted;
  if (!isWorthIt || layers.length === 0) return;
  await keepAsCache(task, layers, 'unfinished');
  await forgetOldCaches(task, 'unfinished');
};

/**
 * One cache an app: the newest holds what the next build needs. An unfinished one replaces only others
 * of its kind. Those in use by another build stay.
 */
export const forgetOldCaches = async (
  task: BuildTask,
  replaced: 'all' | 'unfinished',
): Promise<void> => {
  const { engine, platform } = task.parts;
  const repository = cacheRepository(platform, task.job.appId);
  const own = cacheTag(platform, task.job);
  const images = await askEngine('listing cached layers', () =>
    engine.listImages({ filters: { reference: [repository] } }),
  );
  const names = images.flatMap(({ RepoTags }) => RepoTags ?? []);
  for (const name of names.filter((tag) => tag.startsWith(`${repository}:`))) {
    if (isCacheOf(name, own) || task.parts.isBuilding(name)) continue;
    if (replaced === 'all' || /-unfinished-\d+$/.test(name)) await removeImage(engine, name);
  }
};

/** Whether a build whose cache has that tag made the cached image of that name. */
export const isCacheOf = (name: string, tag: string): boolean =>
  name === tag || name.startsWith(`${tag}-`);
