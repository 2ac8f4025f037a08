import { InMemoryBus, InMemoryHub } from './in-memory-bus.js';
import { SubjectBus } from './subject-bus.js';
import { HEARTBEAT_MS, describeBus } from './testing/index.js';

describeBus('in memory', () => {
  const hub = new InMemoryHub();
  const options = { heartbeatMs: HEARTBEAT_MS };
  const api = new InMemoryBus(hub, 'api', options);
  const transport = hub.transport();
  const deployer = new SubjectBus(transport, 'deployer', options);
  return Promise.resolve({
    api,
    deployer,
    settled: () => Promise.resolve(),
    killDeployer: () => transport.close(),
    close: async () => {
      await api.close();
      await deployer.close();
    },
  });
});
