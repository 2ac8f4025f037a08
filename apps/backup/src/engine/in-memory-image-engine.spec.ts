import { describeImageEngine } from './image-engine.contract.js';
import { InMemoryImageEngine } from './in-memory-image-engine.js';

describeImageEngine('InMemoryImageEngine', 'test/fake', () => {
  const engine = new InMemoryImageEngine();
  return Promise.resolve({
    engine,
    make: (ref) => Promise.resolve(engine.make(['base', ref], ref)),
    remove: (id) => Promise.resolve(void engine.images.delete(id)),
    clear: () => Promise.resolve(),
  });
});
