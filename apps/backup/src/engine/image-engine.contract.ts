import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ImageEngine } from './image-engine.port.js';

/** An engine to prepare, with an image that nobody else has. */
export interface ImageWorld {
  readonly engine: ImageEngine;
  /** Makes an image of this name; gives its id. */
  make(ref: string): Promise<string>;
  remove(imageId: string): Promise<void>;
  clear(): Promise<void>;
}

/** What any engine must do for backups. `name` is unique to the run: engines are shared. */
export const describeImageEngine = (
  name: string,
  repository: string,
  createWorld: () => Promise<ImageWorld>,
): void => {
  describe(`${name} as an ImageEngine`, () => {
    let world: ImageWorld;
    beforeEach(async () => {
      world = await createWorld();
    });
    afterEach(() => world.clear());

    it('knows the names of an image, and that there is none', async () => {
      const id = await world.make(`${repository}:one`);
      expect(await world.engine.tagsOf(id)).toEqual([`${repository}:one`]);
      expect(await world.engine.tagsOf(`sha256:${'f'.repeat(64)}`)).toBeUndefined();
    });

    it('takes in what it gave out: the same image, by the same id', async () => {
      const id = await world.make(`${repository}:one`);
      const archive = await buffer(await world.engine.save(id));
      await world.remove(id);
      expect(await world.engine.tagsOf(id)).toBeUndefined();
      await world.engine.load(Readable.from([archive]));
      expect(await world.engine.tagsOf(id)).toEqual([]);
      await world.engine.tag(id, `${repository}:again`);
      expect(await world.engine.tagsOf(id)).toEqual([`${repository}:again`]);
    });

    it('says that it cannot take in what is no archive, or half of one', async () => {
      const id = await world.make(`${repository}:one`);
      const archive = await buffer(await world.engine.save(id));
      await world.remove(id);
      const half = Readable.from([archive.subarray(0, 700)]);
      await expect(world.engine.load(half)).rejects.toMatchObject({ code: 'engine-unavailable' });
      expect(await world.engine.tagsOf(id)).toBeUndefined();
    });
  });
};
