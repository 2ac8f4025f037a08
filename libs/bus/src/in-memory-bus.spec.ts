import { expect, it, vi } from 'vitest';
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

it('passes over telemetry that is not JSON', async () => {
  const hub = new InMemoryHub();
  const api = new InMemoryBus(hub, 'api');
  const heard: unknown[] = [];
  api.listen('deployer', '>', (data) => heard.push(data));
  hub.transport().publish('tel.deployer.logs', new TextEncoder().encode('nonsense'));
  new InMemoryBus(hub, 'deployer').publish('logs', { n: 1 });
  await vi.waitFor(() => expect(heard).toEqual([{ n: 1 }]));
  await api.close();
});
