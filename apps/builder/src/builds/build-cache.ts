import { engineStatus } from '@shiplog/engine';
import { askEngine } from '../engine/engine-errors.js';
import { removeImage } from '../engine/images.js';
import { cacheRepository } from './build-job.js';
import type { BuildTask } from './build-task.js';

/** Gives a layer a name, so that it is found again and can be removed. */
export const keepAsCache = async (task: BuildTask, layer: string, tag: string): Promise<void> => {
  const at = tag.lastIndexOf(':');
  await askEngine('naming a cached layer', async () => {
    try {
      await task.parts.engine
        .getImage(layer)
        .tag({ repo: tag.slice(0, at), tag: tag.slice(at + 1) });
    } catch (error) {
      if (engineStatus(error) !== 404) throw error;
    }
  });
};

/** One cache an app: the newest holds what the next build needs. Those in use by another build stay. */
export const forgetOldCaches = async (task: BuildTask, newest: string): Promise<void> => {
  const { engine, platform } = task.parts;
  const repository = cacheRepository(platform, task.job.appId);
  const images = await askEngine('listing cached layers', () =>
    engine.listImages({ filters: { reference: [repository] } }),
  );
  for (const { Id, RepoTags } of images) {
    if (Id === newest) continue;
    for (const tag of RepoTags ?? []) {
      if (tag.startsWith(`${repository}:`) && !task.parts.isBuilding(tag)) {
        await removeImage(engine, tag);
      }
    }
  }
};
