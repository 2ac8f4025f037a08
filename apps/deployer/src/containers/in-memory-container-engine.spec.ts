import { describeContainerEngine } from './container-engine.contract.js';
import { InMemoryContainerEngine, InMemoryHost, PROGRAMS } from './in-memory-container-engine.js';

describeContainerEngine('the engine in memory', () => {
  const host = new InMemoryHost();
  const engine = new InMemoryContainerEngine(host, 'p1');
  const imageId = `sha256:${'1'.repeat(64)}`;
  host.images.add(imageId);
  return Promise.resolve({
    platform: 'p1',
    engine,
    neighbour: new InMemoryContainerEngine(host, 'p2'),
    imageId,
    port: 21_000,
    programs: { forever: PROGRAMS.serve, exits: PROGRAMS.exit, prints: PROGRAMS.print },
    crash: (id) => Promise.resolve(engine.crash(id)),
    dropNetwork: (name) => Promise.resolve(void host.networks.delete(name)),
    close: () => Promise.resolve(),
  });
});
