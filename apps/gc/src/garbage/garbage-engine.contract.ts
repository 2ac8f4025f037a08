import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GarbageEngine } from './garbage-engine.port.js';

/** A world to prepare: what a test needs an engine to have. */
export interface GarbageWorld {
  readonly engine: GarbageEngine;
  /** An image of this platform's build; returns its id. */
  image(buildId: string, secondTag?: string): Promise<string>;
  /** A container of that image; returns its id. */
  container(
    imageId: string,
    instanceId: string,
    state: 'running' | 'exited' | 'created',
  ): Promise<string>;
  /** A container that ended, of another platform on the same engine. */
  foreignContainer(imageId: string): Promise<string>;
  clear(): Promise<void>;
}

/** What any engine must do for gc. */
export const describeGarbageEngine = (
  name: string,
  createWorld: () => Promise<GarbageWorld>,
): void => {
  describe(`${name} as a GarbageEngine`, () => {
    let world: GarbageWorld;
    beforeEach(async () => {
      world = await createWorld();
    });
    afterEach(() => world.clear());

    it('shows what ended or never began, and nothing that runs', async () => {
      const image = await world.image('b1');
      await world.container(image, 'i1', 'running');
      const exited = await world.container(image, 'i2', 'exited');
      const created = await world.container(image, 'i3', 'created');
      const seen = await world.engine.stillContainers();
      expect(seen.map(({ id }) => id).toSorted()).toEqual([exited, created].toSorted());
      expect(seen.find(({ id }) => id === exited)).toMatchObject({
        instanceId: 'i2',
        appId: 'a1',
        process: 'web',
        kind: null,
      });
      for (const { stillSinceMs } of seen) {
        expect(Math.abs(Date.now() - stillSinceMs)).toBeLessThan(60_000);
      }
    });

    it('shows images of builds with their labels', async () => {
      const id = await world.image('b1');
      expect(await world.engine.builtImages()).toMatchObject([
        { id, buildId: 'b1', appId: 'a1', kind: null, tags: [expect.any(String)] },
      ]);
    });

    it('sees nothing of another platform', async () => {
      const image = await world.image('b1');
      const foreign = await world.foreignContainer(image);
      const seen = await world.engine.stillContainers();
      expect(seen.map(({ id }) => id)).not.toContain(foreign);
    });

    it('removes a container once, and says when it has gone', async () => {
      const id = await world.container(await world.image('b1'), 'i1', 'exited');
      expect(await world.engine.removeContainer(id)).toBe('removed');
      expect(await world.engine.removeContainer(id)).toBe('gone');
      expect(await world.engine.stillContainers()).toEqual([]);
    });

    it('does not remove a container that runs', async () => {
      const id = await world.container(await world.image('b1'), 'i1', 'running');
      expect(await world.engine.removeContainer(id)).toBe('in-use');
    });

    it('does not remove an image that a container was made from, running or not', async () => {
      const image = await world.image('b1');
      const id = await world.container(image, 'i1', 'exited');
      expect(await world.engine.removeImage(image)).toBe('in-use');
      await world.engine.removeContainer(id);
      expect(await world.engine.removeImage(image)).toBe('removed');
      expect(await world.engine.removeImage(image)).toBe('gone');
      expect(await world.engine.builtImages()).toEqual([]);
    });

    it('does not remove an image with a name in a second repository', async () => {
      const image = await world.image('b1', 'mine');
      expect(await world.engine.removeImage(image)).toBe('in-use');
    });
  });
};
