// One router with many apps: how long it takes from nothing to all routes, and how long one change takes then.
//   node bench/fleet.mjs [apps] [instances of each] [haproxy|nginx]     needs `npm run build`; default 10000 5, both
// A real log has the history of all of them. `coldStart`: from the connection to the log to the fact that the last route
// is applied, the proxy started within it. `change`: as in `route`, an instance is ready until it answers, from then on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureNatsServer } from '@shiplog/provisioner';
import { readConfig } from '@shiplog/runtime';
import { freePort } from '../apps/router-sync/dist/testing/free-port.js';
import { atTheEnd, endAll } from './lib/at-the-end.mjs';
import { atMost, fileSystemOf, report } from './lib/report.mjs';

const COLD_START_SECONDS_MAX = 10;
const CHANGE_MS_MAX = 20;

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

/** What a program of `lib` tells at its end, as JSON; each has a process of its own and the same fleet. */
const told = async (name, home, natsPort, ...more) => {
  const args = [home, natsPort, apps, each, port, ...more].map(String);
  const program = fileURLToPath(new URL(`lib/${name}`, import.meta.url));
  const stdio = ['ignore', 'pipe', 'inherit'];
  const child = spawn(process.execPath, [program, ...args], { stdio });
  const ended = once(child, 'exit');
  let isOver = false;
  // It ends what it started, a proxy among it.
  atTheEnd(() => {
    isOver = true;
    child.kill();
    return ended;
  });
  const text = child.stdout.setEncoding('utf8').reduce((all, chunk) => all + chunk, '');
  const [code] = await ended;
  // Whoever ended it has more to end: an error now would not let him.
  if (isOver) await new Promise(() => undefined);
  if (code !== 0) throw new Error(`${name} ended with ${code}`);
  return JSON.parse(await text);
};

/** Each kind has a log of its own: in that of another one, all would be routed already. */
const measure = async (kind) => {
  const home = await mkdtemp(join(tmpdir(), 'bench-fleet-'));
  atTheEnd(() => rm(home, { recursive: true }));
  const natsPort = await freePort();
  const filled = await told('fleet-log.mjs', home, natsPort);
  const config = readConfig({ SHIPLOG_HOME: home, SHIPLOG_NATS_PORT: String(natsPort) });
  const nats = await ensureNatsServer(config);
  let isStopped = false;
  const stop = async () => {
    if (isStopped) return;
    isStopped = true;
    await nats.stop();
  };
  atTheEnd(stop);
  const measured = await told('fleet-router.mjs', home, natsPort, kind);
  await stop();
  return { filled, ...measured };
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
  apps,
  instances: apps * each,
  measured,
  targets: Object.entries(measured).flatMap(([kind, { coldStart, medianMs }]) => [
    atMost(`${kind}: cold start from the log`, coldStart.seconds, COLD_START_SECONDS_MAX, 's'),
    atMost(`${kind}: one change, p50`, medianMs, CHANGE_MS_MAX, 'ms'),
  ]),
});
process.exit();
