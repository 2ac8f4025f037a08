// Shiplog's own way in `bench route`: the fact goes into a real log with fsync, router-sync follows it and changes a
// real proxy, on which clients ask all the time.
import { Agent } from 'node:http';
import { startTestNats } from '@shiplog/provisioner/testing';
import { register } from 'prom-client';
import { ask } from '../../apps/router-sync/dist/testing/client.js';
import { testPlatform } from '../../apps/router-sync/dist/testing/test-platform.js';
import { logsOfProcesses } from './logs-of-processes.mjs';

const CLIENTS = 8;
const PAUSE_MS = 40;

export const shiplogWith = async (kind, app) => {
  const nats = await startTestNats();
  const logs = await logsOfProcesses(nats.config);
  const platform = await testPlatform(logs.logOf, kind);
  // Each has a process of its own elsewhere, and metrics by the same names.
  register.clear();
  await platform.start();
  await platform.createApp(app);
  const host = `${app}.localhost`;
  const port = platform.config.routerPort;
  let appendMs;
  let previous;
  let load;
  return {
    port,
    host,
    /** How long the append of this round took. */
    appended: () => appendMs,
    failed: () => load?.failed ?? [],
    before: (instancePort, n) => platform.scheduled(app, `i${n}`, instancePort),
    change: (_, n) => {
      const at = performance.now();
      appendMs = platform.readyAgain(`i${n}`).then(() => performance.now() - at);
      return Promise.resolve();
    },
    after: async (n) => {
      await platform.recorded(`i${n}`, 'routed');
      load ??= startLoad(port, host);
      if (previous !== undefined) {
        await platform.retire(previous);
        await platform.recorded(previous, 'drained');
        await platform.stopped(previous);
      }
      previous = `i${n}`;
    },
    close: async () => {
      await load?.stop();
      await platform.close();
      await logs.close();
      await nats.close();
    },
  };
};

/** About 200 requests a second, half of them on connections that stay. */
const startLoad = (port, host) => {
  const failed = [];
  let isOver = false;
  const client = async (i) => {
    const agent = i % 2 === 0 ? new Agent({ keepAlive: true, maxSockets: 1 }) : undefined;
    while (!isOver) {
      const answer = await ask(port, { host, agent }).catch((error) => ({ status: String(error) }));
      if (answer.status !== 200) failed.push(answer.status);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    agent?.destroy();
  };
  const clients = Array.from({ length: CLIENTS }, (_, i) => client(i));
  const stop = async () => {
    isOver = true;
    await Promise.all(clients);
  };
  return { failed, stop };
};
