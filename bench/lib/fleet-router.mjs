// One router with the log of a fleet (`fleet.mjs`), in a process that has begun a moment ago, as that of a router does.
//   node bench/lib/fleet-router.mjs HOME PORT-OF-NATS APPS INSTANCES-OF-EACH PORT-OF-INSTANCES haproxy|nginx
import { readFile, readdir } from 'node:fs/promises';
import { Agent } from 'node:http';
import { readConfig } from '@shiplog/runtime';
import { ask } from '../../apps/router-sync/dist/testing/client.js';
import { testPlatform } from '../../apps/router-sync/dist/testing/test-platform.js';
import { atTheEnd, endAll } from './at-the-end.mjs';
import { latencyFigures, median, round } from './figures.mjs';
import { addressOf } from './fleet-addresses.mjs';
import { logsOfProcesses } from './logs-of-processes.mjs';
import { waitFor } from './wait.mjs';

const CHANGES = 100;

const [home, natsPort, ...numbers] = process.argv.slice(2, -1);
const [apps, each, port] = numbers.map(Number);
const kind = process.argv.at(-1);
const config = readConfig({ SHIPLOG_HOME: home, SHIPLOG_NATS_PORT: natsPort });

/** Resident memory of a process and all that it started. */
const residentMegabytes = async (pid) => {
  let bytes = 0;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const status = await readFile(`/proc/${entry}/status`, 'utf8').catch(() => '');
    const isIts = Number(entry) === pid || new RegExp(`^PPid:\\s+${pid}$`, 'm').test(status);
    if (isIts) bytes += Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
  }
  return Math.round(bytes / 1e6);
};

const measure = async () => {
  const startedAt = performance.now();
  const logs = await logsOfProcesses(config);
  const platform = await testPlatform(logs.logOf, kind);
  let isClosed = false;
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    await platform.close();
    await logs.close();
  };
  atTheEnd(close);
  const foldedMs = performance.now() - startedAt;
  await platform.start();
  let routed = 0;
  const areRouted = () => {
    while (routed < apps * each && platform.routeOf(`i${routed + 1}`) === 'routed') routed += 1;
    return routed === apps * each;
  };
  await waitFor('all routes', areRouted, { timeoutMs: 600_000 });
  const coldMs = performance.now() - startedAt;
  const times = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let round = 0; round < CHANGES; round += 1) {
    const id = `new${kind}${round}`;
    const app = `app${(round * 97) % apps}`;
    const address = addressOf(apps * each + 1 + round);
    await platform.scheduled(app, id, port, { address });
    const at = performance.now();
    const appended = platform.readyAgain(id, 'direct');
    for (;;) {
      const options = { host: `${app}.localhost`, agent };
      const { body } = await ask(platform.config.routerPort, options);
      if (body === address) break;
    }
    times.push(performance.now() - at);
    await appended;
    await platform.recorded(id, 'routed');
  }
  agent.destroy();
  const pid = await platform.proxyPid();
  const megabytes = await residentMegabytes(pid);
  await close();
  return {
    coldStart: { seconds: round(coldMs / 1000), ofWhichFoldSeconds: round(foldedMs / 1000) },
    change: latencyFigures(times),
    medianMs: median(times),
    proxyMegabytes: megabytes,
  };
};

const measured = await measure();
await endAll();
process.stdout.write(JSON.stringify(measured));
process.exit();
