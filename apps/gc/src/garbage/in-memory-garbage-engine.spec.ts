import { randomUUID } from 'node:crypto';
import { describeGarbageEngine } from './garbage-engine.contract.js';
import { InMemoryGarbageEngine } from './in-memory-garbage-engine.js';

describeGarbageEngine('InMemoryGarbageEngine', () => {
  const engine = new InMemoryGarbageEngine();
  return Promise.resolve({
    engine,
    image: (buildId, secondTag) => {
      const id = `sha256:${randomUUID()}`;
      const tags = [`p/a1:${buildId}`, ...(secondTag === undefined ? [] : [secondTag])];
      const image = {
        id,
        buildId,
        appId: 'a1',
        kind: null,
        tags,
        createdAtMs: Date.now(),
        bytes: 1,
      };
      engine.images.set(id, image);
      return Promise.resolve(id);
    },
    container: (imageId, instanceId, state) => {
      const id = randomUUID();
      engine.containers.set(id, {
        id,
        instanceId,
        appId: 'a1',
        process: 'web',
        kind: null,
        stillSinceMs: Date.now(),
        imageId,
        isRunning: state === 'running',
      });
      return Promise.resolve(id);
    },
    // It has no other platform: what carries another label is not in it at all.
    foreignContainer: () => Promise.resolve(randomUUID()),
    clear: () => Promise.resolve(),
  });
});
