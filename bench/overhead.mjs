// What Shiplog's configuration of HAProxy costs a request, against a HAProxy of the same version that does nothing else.
//   node bench/overhead.mjs [pairs]               needs `npm run build`; default 100 pairs
// Both proxy the same instance. A pair is a slice of requests through each, one right after the other, in an order that
// changes; 16 connections that stay ask without a pause. The ratio of each pair is one sample: the interval is that of
// their mean. `cpu` is what the proxies themselves used per request: time per request holds client and instance, too.
// Router-sync does not run meanwhile: what is compared is the configuration, its ring of log lines included.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { findHaproxy } from '../apps/router-sync/dist/haproxy/binary.js';
import { testPlatform } from '../apps/router-sync/dist/testing/test-platform.js';
import { atTheEnd, endAll } from './lib/at-the-end.mjs';
import { median, round } from './lib/figures.mjs';
import { haproxyByHand } from './lib/plain-proxies.mjs';
import { atMost, fileSystemOf, firstLineOf, published, report } from './lib/report.mjs';

const CONNECTIONS = 16;
const SLICE_REQUESTS = 4_000;
const OVERHEAD_PERCENT_MAX = 2;
const ANSWER_END = 'END';
const pairs = Number(process.argv[2] ?? 100);
const haproxy = await findHaproxy(process.env);

const instance = spawn(process.execPath, [
  fileURLToPath(new URL('lib/instances.mjs', import.meta.url)),
  ANSWER_END,
]);
instance.stderr.pipe(process.stderr);
atTheEnd(() => void instance.stdin.end());
const instancePort = Number(String((await once(instance.stdout, 'data'))[0]));

const platform = await testPlatform();
atTheEnd(platform.close);
await platform.start();
await platform.createApp('bench');
await platform.ready('bench', 'i1', instancePort);
await platform.recorded('i1', 'routed');
await platform.stop();
const plain = await haproxyByHand(haproxy);
atTheEnd(plain.close);
await plain.change(instancePort, 0);

/** Requests one after the other on each of some connections that stay. */
const clientsOf = async (port) => {
  const request = `GET / HTTP/1.1\r\nhost: bench.localhost\r\nuser-agent: bench\r\naccept: */*\r\n\r\n`;
  const sockets = Array.from({ length: CONNECTIONS }, () => createConnection(port, '127.0.0.1'));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const slice = (count) =>
    new Promise((resolve, reject) => {
      let sent = 0;
      let answered = 0;
      const send = (socket) => {
        if (sent >= count) return;
        sent += 1;
        socket.write(request);
      };
      for (const socket of sockets) {
        let received = '';
        socket.removeAllListeners('data').on('data', (chunk) => {
          received += chunk.toString('latin1');
          if (!received.endsWith(ANSWER_END)) return;
          if (!received.startsWith('HTTP/1.1 200')) return reject(new Error(received));
          received = '';
          answered += 1;
          if (answered === count) resolve();
          else send(socket);
        });
        socket
          .removeAllListeners('close')
          .on('close', () => reject(new Error('a connection ended')));
        send(socket);
      }
    });
  const end = () => sockets.forEach((socket) => socket.removeAllListeners('close').destroy());
  return { slice, end };
};

/** Of a master and its workers, in clock ticks. */
const cpuTicks = async (master) => {
  const children = await readFile(`/proc/${master}/task/${master}/children`, 'utf8');
  let ticks = 0;
  for (const pid of children.trim().split(' ')) {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1].split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks;
};
const MS_PER_TICK = 10;

const sides = {
  shiplog: { pid: await platform.proxyPid(), ...(await clientsOf(platform.config.routerPort)) },
  bare: { pid: plain.child.pid, ...(await clientsOf(plain.port)) },
};
const times = { shiplog: [], bare: [] };
const ticks = { shiplog: 0, bare: 0 };
const runSlice = async (name) => {
  const { slice, pid } = sides[name];
  const ticksBefore = await cpuTicks(pid);
  const at = performance.now();
  await slice(SLICE_REQUESTS);
  times[name].push((performance.now() - at) / SLICE_REQUESTS);
  ticks[name] += (await cpuTicks(pid)) - ticksBefore;
};
for (const name of Object.keys(sides)) await sides[name].slice(SLICE_REQUESTS);
for (let pair = 0; pair < pairs; pair += 1) {
  const order = pair % 2 === 0 ? ['shiplog', 'bare'] : ['bare', 'shiplog'];
  for (const name of order) await runSlice(name);
}
for (const { end } of Object.values(sides)) end();
await endAll();

/** Of the mean of logarithms: a ratio and its inverse weigh the same. In percent above 1. */
const logs = times.shiplog.map((value, i) => Math.log(value / times.bare[i]));
const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
const variance = logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (logs.length - 1);
const half = 1.96 * Math.sqrt(variance / logs.length);
const percent = (log) => round((Math.exp(log) - 1) * 100);
const interval = [percent(mean - half), percent(mean + half)];
const cpuMicros = (name) => round((ticks[name] * MS_PER_TICK * 1000) / (pairs * SLICE_REQUESTS), 1);

report({
  bench: 'overhead',
  versions: { haproxy: firstLineOf(haproxy, '-v').replace(/^HAProxy version (\S+).*/, '$1') },
  storage: { fileSystem: fileSystemOf(tmpdir()) },
  pairs,
  requestsOfASlice: SLICE_REQUESTS,
  connections: CONNECTIONS,
  microsPerRequest: {
    shiplog: round(median(times.shiplog) * 1000, 1),
    bare: round(median(times.bare) * 1000, 1),
  },
  cpuMicrosPerRequest: { shiplog: cpuMicros('shiplog'), bare: cpuMicros('bare') },
  overheadPercent: { mean: percent(mean), interval95: interval },
  targets: [
    // An interval that includes 0 meets it, too: then nothing was found.
    interval[0] <= 0
      ? published(
          'time per request beyond bare HAProxy: the interval includes 0, up to',
          interval[1],
          '%',
        )
      : atMost(
          'time per request beyond bare HAProxy, up to',
          interval[1],
          OVERHEAD_PERCENT_MAX,
          '%',
        ),
  ],
});
process.exit();
