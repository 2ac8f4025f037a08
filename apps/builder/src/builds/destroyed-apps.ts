import type { World } from '@shiplog/domain';
import type Docker from 'dockerode';
import { askEngine } from '../engine/engine-errors.js';
import { removeImage } from '../engine/images.js';
import { cacheRepository } from './build-job.js';

/** Removes the caches of apps that are gone: no build replaces them any more. */
export class DestroyedApps {
  private readonly waiting = new Set<string>();
  private seen = 0;

  constructor(
    private readonly engine: Docker,
    private readonly platform: string,
  ) {}

  /** `busy`: apps with a build that has not ended. */
  async round(world: World, busy: ReadonlySet<string>): Promise<void> {
    for (const appId of world.destroyedApps.after(this.seen)) this.waiting.add(appId);
    this.seen = world.destroyedApps.count;
    const gone = [...this.waiting].filter((appId) => !busy.has(appId));
    if (gone.length === 0) return;
    const repositories = new Set(gone.map((appId) => cacheRepository(this.platform, appId)));
    const images = await askEngine('listing images', () => this.engine.listImages());
    for (const name of images.flatMap(({ RepoTags }) => RepoTags ?? [])) {
      if (repositories.has(name.slice(0, name.lastIndexOf(':')))) {
        await removeImage(this.engine, name);
      }
    }
    for (const appId of gone) this.waiting.delete(appId);
  }
}
