// Steady load of a correct client, in a process of its own. Ends on SIGTERM, writes what became of each POST into a file, a byte
// for each, and prints one JSON line at the end; before that, one each second.
//   node bench/lib/long-load.mjs <port> <host header> <app> <requests a second> <file>
// One in five is a POST, every second of them with `Idempotency-Key`; one in eight takes a connection of its own.
//
// What this client repeats is what RFC 9110, 9.2.2 lets it: whatever was never sent (connection refused), whatever the router says
// that no instance has seen, and beyond that GETs and POSTs with a key. It gives up after a minute.
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Connections } from './plain-http.mjs';

const [port, host, app, rate, file] = process.argv.slice(2);
const TIMEOUT_MS = 15_000;
const GIVE_UP_MS = 60_000;
const AGAIN_MS = 200;
const IN_FLIGHT_MAX = 512;
/** Each is held against the moments at which HAProxy was killed: some of hundreds of requests under way, tens of times. */
const FAILURES_TOLD = 5_000;
const connections = new Connections(Number(port), { timeoutMs: TIMEOUT_MS, max: 128 });
/** Pages of the router that say that no instance has begun with it. */
const NOT_BEGUN = new Set(['no-instance', 'starting']);

/** Of a POST; also known to bench/lib/ledgers.mjs. */
const SENT = 1;
const ANSWERED = 2;
const KEYED = 4;
let fates = new Uint8Array(1 << 16);
const mark = (id, bits) => {
  if (id >= fates.length) {
    const more = new Uint8Array(fates.length * 2);
    more.set(fates);
    fates = more;
  }
  fates[id] |= bits;
};

const told = { requests: 0, posts: 0, done: 0, repeated: 0, failedCount: 0, failed: [] };
/** One millisecond each; the last one is everything above. */
const latencies = new Uint32Array(TIMEOUT_MS * 5);

/** One attempt. `begun`: an instance may have seen it. */
const send = ({ text, isAlone }) =>
  connections
    .ask(text, isAlone)
    .then(judged, ({ message, begun, openedAtMs }) => ({ problem: message, begun, openedAtMs }));

const judged = ({ status, headers, body }) => {
  if (status >= 200 && status < 300)
    return headers.get('x-app') === app
      ? {}
      : { problem: `answered by ${headers.get('x-app')}`, isFinal: true };
  const page = headers.get('x-shiplog-router');
  const problem = `${status} ${page ?? body.slice(0, 80)}`;
  return { problem, begun: !NOT_BEGUN.has(page), isFinal: status < 500 };
};

const headOf = (method, path, isAlone) =>
  `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${isAlone ? 'connection: close\r\n' : ''}`;

const requestOf = (n) => {
  const isAlone = n % 8 === 0;
  if (n % 5 !== 0) {
    const path = n % 997 === 0 ? '/slow?ms=2000' : '/';
    const text = `${headOf('GET', path, isAlone)}\r\n`;
    return { what: `GET ${path}`, text, isAlone, mayRepeat: true };
  }
  const id = n / 5;
  const mayRepeat = id % 2 === 0;
  const path = id % 401 === 0 ? '/ledger?ms=1000' : '/ledger';
  const body = JSON.stringify({ id });
  const key = mayRepeat ? `idempotency-key: ${id}\r\n` : '';
  const text = `${headOf('POST', path, isAlone)}content-type: application/json\r\ncontent-length: ${body.length}\r\n${key}\r\n${body}`;
  return { what: `POST ${path}`, text, isAlone, mayRepeat, id };
};

const one = async (n) => {
  const request = requestOf(n);
  const { id, mayRepeat, what } = request;
  told.requests += 1;
  if (id !== undefined) {
    told.posts += 1;
    mark(id, SENT | (mayRepeat ? KEYED : 0));
  }
  const startedAt = performance.now();
  const from = Date.now();
  for (;;) {
    const { problem, begun, openedAtMs, isFinal } = await send(request);
    const tookMs = performance.now() - startedAt;
    if (problem === undefined) {
      told.done += 1;
      latencies[Math.min(latencies.length - 1, Math.floor(tookMs))] += 1;
      if (id !== undefined) mark(id, ANSWERED);
      return;
    }
    if (isFinal || (begun && !mayRepeat) || tookMs > GIVE_UP_MS) {
      told.failedCount += 1;
      if (told.failed.length < FAILURES_TOLD)
        told.failed.push({ from, openedAtMs, to: Date.now(), what, problem });
      return;
    }
    told.repeated += 1;
    await delay(AGAIN_MS * (0.5 + Math.random()));
  }
};

const quantileMs = (q) => {
  let left = told.done * q;
  return latencies.findIndex((count) => (left -= count) <= 0);
};

const pending = new Set();
let stopping = false;
let n = 0;
let offered = 0;
const startedAt = performance.now();
// An open loop: a slow answer does not lower the rate at which requests are made.
const timer = setInterval(() => {
  const due = ((performance.now() - startedAt) / 1000) * Number(rate);
  for (; offered < due; offered += 1) {
    if (pending.size >= IN_FLIGHT_MAX) continue;
    const running = one((n += 1)).finally(() => pending.delete(running));
    pending.add(running);
  }
}, 5);
const say = (document) =>
  new Promise((resolve) => process.stdout.write(`${JSON.stringify(document)}\n`, resolve));
const progress = setInterval(() => {
  const { requests, done, repeated, failedCount } = told;
  void say({ requests, done, repeated, failedCount });
}, 1_000);

const stop = async () => {
  if (stopping) return;
  stopping = true;
  clearInterval(timer);
  clearInterval(progress);
  const seconds = (performance.now() - startedAt) / 1000;
  await Promise.all(pending);
  await writeFile(file, fates);
  await say({ ...told, seconds, p50Ms: quantileMs(0.5), p99Ms: quantileMs(0.99), isEnd: true });
  process.exit(0);
};
process.on('SIGTERM', () => void stop());
// Whoever started it is gone.
process.stdin.on('end', () => void stop());
process.stdin.resume();
