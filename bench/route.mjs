// How long it takes from "the instance is ready" to the first request that it answers.
//   node bench/route.mjs [rounds]               needs `npm run build`; default 1000 rounds
// All take turns in one run on one machine:
//   shiplog-haproxy, shiplog-nginx   InstanceReady is appended to a real JetStream log with fsync; router-sync follows it
//                   and changes a real proxy, on which clients ask all the time; none of their requests may fail
//   haproxy-api     the same change written to the runtime API of HAProxy by hand
//   caddy-api       … to the admin API of Caddy
//   haproxy-reload, nginx-reload     … into a file, and the proxy reloaded
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { findHaproxy } from '../apps/router-sync/dist/haproxy/binary.js';
import { findNginx } from '../apps/router-sync/dist/nginx/binary.js';
import { ask } from '../apps/router-sync/dist/testing/client.js';
import { atTheEnd, endAll } from './lib/at-the-end.mjs';
import { latencyFigures, median, quantile, round } from './lib/figures.mjs';
import { caddyByApi, haproxyByHand, haproxyReloaded, nginxReloaded } from './lib/plain-proxies.mjs';
import { atMost, fileSystemOf, firstLineOf, report } from './lib/report.mjs';
import { shiplogWith } from './lib/shiplog-router.mjs';

const REQUIRED_P99_MS = 100;
const WARM_UP = 10;
const rounds = Number(process.argv[2] ?? 1_000);
const haproxy = await findHaproxy(process.env);
const nginx = await findNginx(process.env);
const caddy = process.env.SHIPLOG_CADDY ?? 'caddy';

/** Instances that are always there; a round makes one of them the newest. */
const instances = await Promise.all(
  Array.from({ length: 8 }, async () => {
    const server = createServer((_, response) => response.end(String(server.address().port)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }),
);
const portOf = (n) => instances[n % instances.length].address().port;

/** It tells it on stderr. */
const versionOfNginx = () =>
  spawnSync(nginx.command, ['-v'], { encoding: 'utf8' }).stderr.trim().split('/')[1];

const agents = new Map();
/** Asks until the new instance answers; everything else has to be answered by an older one. */
const firstAnswerOf = async ({ port, host = 'bench' }, instancePort) => {
  const agent = agents.get(port) ?? new Agent({ keepAlive: true, maxSockets: 1 });
  agents.set(port, agent);
  for (;;) {
    const { status, body } = await ask(port, { host, agent }).catch(() => ({ status: 0 }));
    if (status === 200 && body === String(instancePort)) return;
  }
};

const starts = {
  'shiplog-haproxy': () => shiplogWith('haproxy', 'bench'),
  'shiplog-nginx': () => shiplogWith('nginx', 'bench'),
  'haproxy-api': () => haproxyByHand(haproxy),
  'caddy-api': () => caddyByApi(caddy),
  'haproxy-reload': () => haproxyReloaded(haproxy),
  'nginx-reload': () => nginxReloaded(nginx.command),
};
const contenders = {};
for (const [name, start] of Object.entries(starts)) {
  contenders[name] = await start();
  atTheEnd(contenders[name].close);
}
const samples = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
const appends = [];
for (let n = 0; n < rounds + WARM_UP; n += 1) {
  for (const [name, contender] of Object.entries(contenders)) {
    // A reload leaves processes behind for a while: a tenth of the rounds is enough of them.
    if (name.endsWith('-reload') && n % 10 !== 0) continue;
    await contender.before?.(portOf(n), n);
    const at = performance.now();
    // Asked from now on, as clients do: nobody tells them that a change is done.
    const changed = contender.change(portOf(n), n);
    await firstAnswerOf(contender, portOf(n));
    const tookMs = performance.now() - at;
    await changed;
    await contender.after?.(n);
    if (n < WARM_UP) continue;
    samples[name].push(tookMs);
    if (name === 'shiplog-haproxy') appends.push(await contender.appended());
  }
}
const failed = Object.values(contenders).flatMap((contender) => contender.failed?.() ?? []);
await endAll();
for (const agent of agents.values()) agent.destroy();
for (const server of instances) server.close();

const p99 = (name) => quantile(samples[name], 0.99);
report({
  bench: 'route',
  versions: {
    haproxy: firstLineOf(haproxy, '-v').replace(/^HAProxy version (\S+).*/, '$1'),
    nginx: versionOfNginx(),
    caddy: firstLineOf(caddy, 'version'),
  },
  storage: {
    fileSystem: fileSystemOf(tmpdir()),
    fsync: 'before every acknowledgement (sync_interval: always)',
  },
  fromReadyToFirstAnswer: Object.fromEntries(
    Object.entries(samples).map(([name, times]) => [name, latencyFigures(times)]),
  ),
  ofWhichAppend: latencyFigures(appends),
  ofReload: round(median(samples['shiplog-haproxy']) / median(samples['haproxy-reload'])),
  failed,
  targets: [
    atMost('ready → first request routed, p99', p99('shiplog-haproxy'), REQUIRED_P99_MS, 'ms'),
    atMost('the same with Nginx, p99', p99('shiplog-nginx'), REQUIRED_P99_MS, 'ms'),
    atMost('failed requests of other clients meanwhile', failed.length, 0),
  ],
});
// Whatever the proxies left open ends here.
process.exit();
