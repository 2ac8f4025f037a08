// One router with many apps: how long it takes from nothing to all routes, and how long one change takes then.
//   node bench/fleet.mjs [apps] [instances of each] [haproxy|nginx]     needs `npm run build`; default 10000 5, both
// A real log has the history of all of them. `coldStart`: from the connection to the log to the fact that the last route
// is applied, the proxy started within it. `change`: as in `route`, an instance is ready until it answers, from then on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { START } from '@shiplog/events';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { encodeCommit } from '@shiplog/events/log';
import { ensureNatsServer } from '@shiplog/provisioner';
import { connectNats, inboxPrefixOf, readConfig } from '@shiplog/runtime';
import { ask } from '../apps/router-sync/dist/testing/client.js';
import { freePort } from '../apps/router-sync/dist/testing/free-port.js';
import { testPlatform } from '../apps/router-sync/dist/testing/test-platform.js';
import { atTheEnd, endAll } from './lib/at-the-end.mjs';
import { latencyFigures, median, round } from './lib/figures.mjs';
import { fillRaw } from './lib/long-log.mjs';
import { atMost, fileSystemOf, report } from './lib/report.mjs';
import { waitFor } from './lib/wait.mjs';

const COLD_START_SECONDS_MAX = 10;
const CHANGE_MS_MAX = 20;
const CHANGES = 100;
const COMMITS_AT_ONCE = 1_000;

const apps = Number(process.argv[2] ?? 10_000);
const each = Number(process.argv[3] ?? 5);
const kinds = process.argv[4] === undefined ? ['haproxy', 'nginx'] : [process.argv[4]];

/** Answer for every instance: each has an address of its own on the loopback network. */
const instances = spawn(process.execPath, [
  fileURLToPath(new URL('lib/instances.mjs', import.meta.url)),
]);
instances.stderr.pipe(process.stderr);
atTheEnd(() => void instances.stdin.end());
const port = Number(String((await once(instances.stdout, 'data'))[0]));
/** 127.1.0.1 and on: `n` in its last three bytes. */
const addressOf = (n) => `127.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;

/** What the platform would have written of them, by its own deciders. */
const history = async () => {
  const platform = await testPlatform();
  let n = 0;
  for (let a = 0; a < apps; a += 1) {
    await platform.createApp(`app${a}`);
    for (let i = 0; i < each; i += 1) {
      n += 1;
      await platform.scheduled(`app${a}`, `i${n}`, port, { address: addressOf(n) });
      await platform.readyAgain(`i${n}`, 'direct');
    }
    if (a % 1_000 === 999) process.stderr.write(`    ${a + 1} apps told\n`);
  }
  await platform.close();
  return platform.log;
};

async function* commitsOf(log) {
  for (let after = START; ;) {
    const page = await log.readAfter(after, COMMITS_AT_ONCE);
    if (page.length === 0) return;
    after = page.at(-1).position;
    for (const { commit, hash } of page)
      yield {
        stream: commit.stream,
        id: commit.id,
        hash,
        bytes: encodeCommit(commit),
        events: commit.events.length,
      };
  }
}

const home = await mkdtemp(join(tmpdir(), 'bench-fleet-'));
atTheEnd(() => rm(home, { recursive: true }));
const config = readConfig({ SHIPLOG_HOME: home, SHIPLOG_NATS_PORT: String(await freePort()) });
const filled = await fillRaw(config, commitsOf(await history()));
const nats = await ensureNatsServer(config);
atTheEnd(() => nats.stop());

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

const measure = async (kind) => {
  const connections = [];
  const logs = new Map();
  const startedAt = performance.now();
  for (const name of ['api', 'deployer', 'router-sync']) {
    const connection = await connectNats(config, name);
    connections.push(connection);
    const options = {
      inboxPrefix: inboxPrefixOf(name),
      durability: () => Promise.resolve('disk'),
    };
    logs.set(name, new JetStreamEventLog(connection, options));
  }
  const platform = await testPlatform((name) => logs.get(name), kind);
  let isClosed = false;
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    await platform.close();
    for (const connection of connections) await connection.close();
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
    const address = addressOf(apps * each + 1 + round + (kind === 'nginx' ? CHANGES : 0));
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

const measured = {};
for (const kind of kinds) measured[kind] = await measure(kind);
await endAll();

report({
  bench: 'fleet',
  versions: {},
  storage: {
    fileSystem: fileSystemOf(tmpdir()),
    fsync: 'before every acknowledgement (sync_interval: always)',
  },
  filled: { apps, instances: apps * each, ...filled },
  measured,
  targets: Object.entries(measured).flatMap(([kind, { coldStart, medianMs }]) => [
    atMost(`${kind}: cold start from the log`, coldStart.seconds, COLD_START_SECONDS_MAX, 's'),
    atMost(`${kind}: one change, p50`, medianMs, CHANGE_MS_MAX, 'ms'),
  ]),
});
process.exit();
