// What Shiplog's configuration of HAProxy costs a request, against a HAProxy of the same version that does nothing else
// (`bare`), and against one with what an operator would have anyway (`usual`: a map of hosts, log lines, an id, retries).
//   node bench/overhead.mjs [rounds]              needs `npm run build`; default 100 rounds
// All proxy the same instance. A round is a slice of requests through each, one right after the other, in an order that
// changes; the ratio within a round is one sample, the interval that of their mean. First 16 connections that stay ask
// without a pause: all of it is work then. Then requests come at even rates: that is the wait that a user has.
// That is what an instance has that does nothing but answer; most apps take some milliseconds, and so there is one of 5 ms, too.
// `cpu` is what the proxies themselves used per request: time per request holds client and instance, too.
// Router-sync does not run meanwhile: what is compared is the configuration, its ring of log lines included.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { findHaproxy } from '../apps/router-sync/dist/haproxy/binary.js';
import { testPlatform } from '../apps/router-sync/dist/testing/test-platform.js';
import { atTheEnd, endAll } from './lib/at-the-end.mjs';
import { meanWithInterval, median, round } from './lib/figures.mjs';
import { haproxyAsUsual, haproxyByHand } from './lib/plain-proxies.mjs';
import { atMost, fileSystemOf, firstLineOf, published, report } from './lib/report.mjs';
import { ANSWER_END, steadyClients } from './lib/steady-clients.mjs';

const CONNECTIONS = 16;
const CONNECTIONS_AT_RATE = 256;
const SLICE_REQUESTS = 4_000;
const RATES = [500, 2_000];
const RATE_SECONDS = 0.5;
const WORKS_MS = 5;
const WORKS_RATE = 500;
const OVERHEAD_PERCENT_MAX = 2;
const rounds = Number(process.argv[2] ?? 100);
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
const bare = await haproxyByHand(haproxy);
atTheEnd(bare.close);
await bare.change(instancePort, 0);
const usual = await haproxyAsUsual(haproxy, 'bench.localhost', instancePort);
atTheEnd(usual.close);

/** Of a master and its workers: nanoseconds on a core. */
const cpuNanos = async (master) => {
  const children = await readFile(`/proc/${master}/task/${master}/children`, 'utf8');
  let nanos = 0;
  for (const pid of children.trim().split(' ')) {
    for (const task of await readdir(`/proc/${pid}/task`)) {
      const text = await readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8');
      nanos += Number(text.split(' ')[0]);
    }
  }
  return nanos;
};

const pids = { shiplog: await platform.proxyPid(), usual: usual.child.pid, bare: bare.child.pid };
const ports = { shiplog: platform.config.routerPort, usual: usual.port, bare: bare.port };
const SIDES = Object.keys(pids);
/** For each side an empty list. */
const lists = () => Object.fromEntries(SIDES.map((name) => [name, []]));

/** A slice of each side in each round; the first one of each is not counted. */
const inTurns = async (connections, oneSlice, path = '/') => {
  const clients = {};
  for (const name of SIDES) clients[name] = await steadyClients(ports[name], connections, path);
  for (const name of SIDES) await oneSlice(name, clients[name], () => undefined);
  const samples = lists();
  for (let n = 0; n < rounds; n += 1) {
    const order = SIDES.map((_, i) => SIDES[(i + n) % SIDES.length]);
    for (const name of n % 2 === 0 ? order : order.reverse())
      await oneSlice(name, clients[name], (sample) => samples[name].push(sample));
  }
  for (const name of SIDES) clients[name].end();
  return samples;
};

const cpu = lists();
const busy = await inTurns(CONNECTIONS, async (name, { slice }, took) => {
  const before = await cpuNanos(pids[name]);
  took(await slice(SLICE_REQUESTS));
  cpu[name].push(((await cpuNanos(pids[name])) - before) / SLICE_REQUESTS / 1000);
});
const even = {};
for (const rate of RATES) {
  even[rate] = await inTurns(CONNECTIONS_AT_RATE, async (_, { atRate }, took) =>
    took(median(await atRate(rate, RATE_SECONDS))),
  );
}
const working = await inTurns(
  CONNECTIONS_AT_RATE,
  async (_, { atRate }, took) => took(median(await atRate(WORKS_RATE, RATE_SECONDS))),
  `/?ms=${WORKS_MS}`,
);
await endAll();

/** Of the mean of logarithms: a ratio and its inverse weigh the same. In percent above 1. */
const beyond = (samples, side, other) => {
  const logs = samples[side].map((value, i) => Math.log(value / samples[other][i]));
  const [mean, from, to] = meanWithInterval(logs).map((log) => round((Math.exp(log) - 1) * 100));
  return { mean, interval95: [from, to] };
};
const overhead = (samples) => ({
  bare: beyond(samples, 'shiplog', 'bare'),
  usual: beyond(samples, 'shiplog', 'usual'),
  usualBeyondBare: beyond(samples, 'usual', 'bare'),
});
const micros = (samples, factor) =>
  Object.fromEntries(SIDES.map((name) => [name, round(median(samples[name]) * factor, 1)]));
const microsBeyond = (samples, other) => {
  const [mean, from, to] = meanWithInterval(
    samples.shiplog.map((value, i) => (value - samples[other][i]) * 1000),
  ).map((value) => round(value, 1));
  return { mean, interval95: [from, to] };
};
const overheads = {
  busy: overhead(busy),
  working: overhead(working),
  ...Object.fromEntries(RATES.map((rate) => [rate, overhead(even[rate])])),
};
/** An interval that includes 0 meets it, too: then nothing was found. */
const within = (what, [low, high]) =>
  low <= 0
    ? published(`${what}: the interval includes 0, up to`, high, '%')
    : atMost(`${what}, up to`, high, OVERHEAD_PERCENT_MAX, '%');

report({
  bench: 'overhead',
  versions: { haproxy: firstLineOf(haproxy, '-v').replace(/^HAProxy version (\S+).*/, '$1') },
  storage: { fileSystem: fileSystemOf(tmpdir()) },
  rounds,
  requestsOfASlice: SLICE_REQUESTS,
  connections: CONNECTIONS,
  busy: {
    microsPerRequest: micros(busy, 1000),
    cpuMicrosPerRequest: micros(cpu, 1),
    overheadPercent: overheads.busy,
  },
  working: {
    instanceMs: WORKS_MS,
    requestsPerSecond: WORKS_RATE,
    p50Micros: micros(working, 1000),
    overheadPercent: overheads.working,
    overheadMicros: {
      bare: microsBeyond(working, 'bare'),
      usual: microsBeyond(working, 'usual'),
    },
  },
  ...Object.fromEntries(
    RATES.map((rate) => [
      `at${rate}PerSecond`,
      {
        p50Micros: micros(even[rate], 1000),
        overheadPercent: overheads[rate],
        overheadMicros: {
          bare: microsBeyond(even[rate], 'bare'),
          usual: microsBeyond(even[rate], 'usual'),
        },
      },
    ]),
  ),
  targets: [
    within('time per request beyond bare HAProxy', overheads.busy.bare.interval95),
    published(
      'time per request of a usual HAProxy beyond a bare one, at least',
      overheads.busy.usualBeyondBare.interval95[0],
      '%',
    ),
    published(
      `p50 beyond bare HAProxy, of an instance that takes ${WORKS_MS} ms, up to`,
      overheads.working.bare.interval95[1],
      '%',
    ),
    published(
      'time per request beyond a usual HAProxy, up to',
      overheads.busy.usual.interval95[1],
      '%',
    ),
    ...RATES.flatMap((rate) =>
      ['bare', 'usual'].map((other) =>
        published(
          `p50 at ${rate} requests a second beyond a ${other} HAProxy, up to`,
          overheads[rate][other].interval95[1],
          '%',
        ),
      ),
    ),
  ],
});
process.exit();
