// How fast a whole log is verified: through the log server, and offline from an exported file.
//   node bench/verify.mjs [commits] [rounds]    needs `npm run build`; default 100000 commits, 7 rounds
// Both sides alternate in one run, on one server, in one thread of the kind that `shiplog audit verify` starts (but that
// is there already), over one connection of the api. `raw` asks for the same batches, as many at a time, and sees
// by the client's own means that each message is the next of the log, as whoever reads in order has to; `counted` does
// not look at them at all; `verify` is what the thread does, with a witness of all commits: hash, chain, place,
// checkpoints. The exported file has five times as many commits: of a shorter one it is the start of Node.js that is measured.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { START, toPosition } from '@shiplog/events';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { exportLine } from '@shiplog/events/log';
import { exportEnd, exportHead, sealedLine } from '@shiplog/integrity';
import { sealAll } from '@shiplog/integrity/testing';
import { inspectServer } from '@shiplog/provisioner';
import { startTestNats } from '@shiplog/provisioner/testing';
import { recordHistory } from '@shiplog/read-models/testing';
import { connectNats, inboxPrefixOf } from '@shiplog/runtime';
import { fillLog } from './lib/fill-log.mjs';
import { longLog } from './lib/long-log.mjs';
import { median, rateFigures, ratioOf, round } from './lib/figures.mjs';
import { atLeast, fileSystemOf, report } from './lib/report.mjs';

const REQUIRED_RATIO = 0.8;
const OFFLINE_PER_SECOND = 200_000;
const APPS = 50;
const COMMITS_PER_TURN = 14.1;
const wanted = Number(process.argv[2] ?? 100_000);
const rounds = Number(process.argv[3] ?? 7);
/** As `verifyInThread` in apps/api. */
const READING = { maxYoungGenerationSizeMb: 96 };
const VERIFY_LOG = fileURLToPath(new URL('../tools/verify-log', import.meta.url));

const nats = await startTestNats();
const turns = Math.ceil(wanted / APPS / COMMITS_PER_TURN);
const history = await recordHistory({ apps: APPS, turns, atRest: true });
await history.stop();
const { commits } = await fillLog(nats.config, history.log);
const connection = await connectNats(nats.config, 'api');
const log = new JetStreamEventLog(connection, {
  inboxPrefix: inboxPrefixOf('api'),
  process: 'api',
  durability: () => Promise.resolve('disk'),
});
const stored = await log.readStored(START, commits);

const { sealed } = sealAll(stored, { every: 1_000 });

const job = {
  testimonies: [{ name: 'SQL', isOwn: true, sealed, problem: undefined }],
  memories: [],
  pin: undefined,
};
const thread = new Worker(new URL('./lib/verify-contenders.mjs', import.meta.url), {
  workerData: { config: nats.config, job },
  resourceLimits: READING,
});
const startedAt = performance.now();
await once(thread, 'message');
const threadStartMs = Math.round(performance.now() - startedAt);
const contend = async (name) => {
  thread.postMessage(name);
  const [{ seconds, checked }] = await once(thread, 'message');
  if (checked !== commits) throw new Error(`${name}: ${checked} of ${commits} commits`);
  return commits / seconds;
};

/** What nats-server and this process have taken so far; the kernel counts in hundredths of a second. */
const cpuMicroseconds = () => {
  const stat = readFileSync(`/proc/${nats.server().pid}/stat`, 'utf8');
  const [userTicks, systemTicks] = stat.split(') ')[1].split(' ').slice(11, 13).map(Number);
  const { user, system } = process.cpuUsage();
  return { server: (userTicks + systemTicks) * 10_000, client: user + system };
};

const SIDES = ['raw', 'counted', 'verify'];
const rates = { raw: [], counted: [], verify: [] };
const microseconds = { raw: [], counted: [], verify: [] };
for (let i = -2; i < rounds; i += 1) {
  for (const name of i % 2 === 0 ? SIDES : SIDES.toReversed()) {
    const before = cpuMicroseconds();
    const rate = await contend(name);
    const after = cpuMicroseconds();
    // The first rounds warm up.
    if (i < 0) continue;
    rates[name].push(rate);
    microseconds[name].push({
      server: (after.server - before.server) / commits,
      client: (after.client - before.client) / commits,
    });
  }
}
thread.postMessage('end');
await once(thread, 'exit');
const cpuOf = (name) => ({
  server: round(median(microseconds[name].map(({ server }) => server))),
  client: round(median(microseconds[name].map(({ client }) => client))),
});

const folder = await mkdtemp(join(tmpdir(), 'shiplog-bench-verify-'));
const offline = async () => {
  const file = join(folder, 'log.ndjson');
  const out = createWriteStream(file);
  const put = async (text) => {
    if (!out.write(text)) await once(out, 'drain');
  };
  await put(`${exportHead('shiplog')}\n`);
  const long = [];
  for await (const commit of longLog({ events: 5 * wanted }))
    long.push({ ...commit, position: toPosition(long.length + 1) });
  for (const one of sealAll(long, { every: 1_000 }).sealed) await put(`${sealedLine(one)}\n`);
  for (const commit of long) await put(`${exportLine(commit)}\n`);
  await put(`${exportEnd(long.length)}\n`);
  out.end();
  await once(out, 'close');
  const seconds = [];
  for (let i = 0; i < 5; i += 1) {
    const startedAt = performance.now();
    await new Promise((resolve, reject) => {
      execFile(process.execPath, [VERIFY_LOG, file], (error) =>
        error ? reject(error) : resolve(),
      );
    });
    seconds.push((performance.now() - startedAt) / 1000);
  }
  return { commits: long.length, seconds, perSecond: Math.round(long.length / median(seconds)) };
};
const fromFile = await offline();
await rm(folder, { recursive: true });

const ratio = ratioOf(rates.verify, rates.raw);
const server = await inspectServer(nats.config, 5_000);
report({
  bench: 'verify',
  versions: { natsServer: server.version },
  storage: { fileSystem: fileSystemOf(nats.config.home), fsync: 'reading only' },
  rounds,
  commits,
  raw: { ...rateFigures(rates.raw), microsecondsOfCpu: cpuOf('raw') },
  counted: { ...rateFigures(rates.counted), microsecondsOfCpu: cpuOf('counted') },
  verify: { ...rateFigures(rates.verify), microsecondsOfCpu: cpuOf('verify') },
  threadStartMs,
  ...ratio,
  offline: fromFile,
  targets: [
    atLeast('verify through the log server, of a raw ordered read', ratio.ratio, REQUIRED_RATIO),
    atLeast('tools/verify-log from a file', fromFile.perSecond, OFFLINE_PER_SECOND, 'commits/s'),
  ],
});
await log.close();
await connection.close();
await nats.close();
