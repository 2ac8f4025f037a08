import { InMemoryVolumeEngine } from './in-memory-volume-engine.js';
import { describeVolumeEngine } from './volume-engine.contract.js';

describeVolumeEngine('InMemoryVolumeEngine', 'test', () => {
  const engine = new InMemoryVolumeEngine('p');
  return Promise.resolve({
    engine,
    platform: 'p',
    makeForeign: (name) => {
      engine.volumes.set(name, { labels: {}, entries: new Map() });
      return Promise.resolve();
    },
    holders: () => Promise.resolve(0),
    clear: () => Promise.resolve(),
  });
});
