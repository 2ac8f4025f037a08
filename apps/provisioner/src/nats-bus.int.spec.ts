import { NatsBus } from '@shiplog/bus';
import { HEARTBEAT_MS, describeBus } from '@shiplog/bus/testing';
import { connectNats } from '@shiplog/runtime';
import { afterAll, beforeAll } from 'vitest';
import { startTestNats, type TestNats } from './testing/index.js';

let nats: TestNats;
beforeAll(async () => {
  nats = await startTestNats();
});
afterAll(() => nats.close());

// Under the real users of both processes: what their permissions forbid does not work here either.
describeBus('NATS', async () => {
  const api = await connectNats(nats.config, 'api');
  const deployer = await connectNats(nats.config, 'deployer');
  const options = { heartbeatMs: HEARTBEAT_MS };
  return {
    api: new NatsBus(api, 'api', options),
    deployer: new NatsBus(deployer, 'deployer', options),
    settled: async () => {
      await api.flush();
      await deployer.flush();
    },
    killDeployer: () => deployer.close(),
    close: async () => {
      await api.close();
      await deployer.close();
    },
  };
});
