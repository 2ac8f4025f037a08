// How fast a platform with a long past is ready, and how much memory it takes when nothing happens.
//   node bench/start.mjs [events] [rounds]      needs `npm run build`; default 100000 events, 5 rounds
// `npm start` of a real platform on a home of its own, whose nats-server holds the history of 50 apps:
//   grown     the first start after the log grew by all of it: no snapshot, no read models of it
//   again     after Ctrl-C: nats-server and HAProxy run and are adopted
//   powerCut  control plane, nats-server and HAProxy were killed with -9
//   nothingKept  as powerCut, and snapshots and read models were deleted
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ensureNatsServer, inspectServer } from '@shiplog/provisioner';
import { recordHistory } from '@shiplog/read-models/testing';
import { derivedPathsOf } from '@shiplog/runtime';
import { fillLog } from './lib/fill-log.mjs';
import { median, round, spread } from './lib/figures.mjs';
import { BenchPlatform, residentBytesOf } from './lib/platform.mjs';
import { atLeast, atMost, fileSystemOf, report } from './lib/report.mjs';

const READY_MS_MAX = 5_000;
const IDLE_MEGABYTES_MAX = 200;
const REBUILT_PER_SECOND_MIN = 20_000;
const APPS = 50;
const EVENTS_PER_TURN = 15.5;
const wantedEvents = Number(process.argv[2] ?? 100_000);
const rounds = Number(process.argv[3] ?? 5);
const idleSeconds = wantedEvents < 100_000 ? 10 : 60;

const platform = await BenchPlatform.create('start');
const derived = derivedPathsOf({ home: platform.home, eventLog: { kind: 'jetstream' } });

const fill = async () => {
  const turns = Math.ceil(wantedEvents / APPS / EVENTS_PER_TURN);
  const history = await recordHistory({ apps: APPS, turns, atRest: true });
  await history.stop();
  await ensureNatsServer(platform.config);
  const startedAt = performance.now();
  const filled = await fillLog(platform.config, history.log);
  return { ...filled, seconds: round((performance.now() - startedAt) / 1000, 1) };
};

const forgetFolds = async () => {
  await rm(derived.snapshots, { recursive: true, force: true });
  for (const suffix of ['', '-wal', '-shm']) await rm(derived.database + suffix, { force: true });
};

const startAfter = async (before) => {
  const times = [];
  for (let i = 0; i < rounds; i += 1) {
    await before();
    times.push(await platform.start());
  }
  return figures(times);
};
const figures = (times) => ({
  readyMs: Math.round(median(times)),
  spread: spread(times, 0),
});

/** Once a second, when the start is over: what stays, not what the start needed. */
const watchMemory = async () => {
  const samples = [];
  await delay(idleSeconds * 1000);
  for (let i = 0; i < idleSeconds; i += 1) {
    samples.push((await residentBytesOf(platform.pid)) / 1e6);
    await delay(1000);
  }
  return { idleMegabytes: round(median(samples), 0), spread: spread(samples, 0) };
};

const timedRebuild = async () => {
  const client = await platform.client();
  const startedAt = performance.now();
  await client.platform.rebuild();
  return performance.now() - startedAt;
};

try {
  const fresh = { readyMs: Math.round(await platform.start()) };
  await platform.stop();
  const filled = await fill();
  const grown = { readyMs: Math.round(await platform.start()) };
  const again = await startAfter(() => platform.stop());
  const memory = await watchMemory();
  const rebuildMs = await timedRebuild();
  const powerCut = await startAfter(() => platform.killAll());
  const nothingKept = await startAfter(async () => {
    await platform.killAll();
    await forgetFolds();
  });
  const server = await inspectServer(platform.config, 5_000);
  const rebuiltPerSecond = Math.round((filled.events / rebuildMs) * 1000);
  report({
    bench: 'start',
    versions: { natsServer: server.version },
    storage: {
      fileSystem: fileSystemOf(platform.home),
      fsync: server.isSyncAlways ? 'before every acknowledgement (sync_interval: always)' : 'no',
    },
    rounds,
    filled,
    start: { fresh, grown, again, powerCut, nothingKept },
    memory,
    rebuild: { ms: Math.round(rebuildMs), eventsPerSecond: rebuiltPerSecond },
    targets: [
      atLeast('events in the log', filled.events, wantedEvents),
      atMost('ready again after Ctrl-C', again.readyMs, READY_MS_MAX, 'ms'),
      atMost('ready after a power cut', powerCut.readyMs, READY_MS_MAX, 'ms'),
      atMost('ready after the log grew by all of it', grown.readyMs, READY_MS_MAX, 'ms'),
      atMost('memory of the idle control plane', memory.idleMegabytes, IDLE_MEGABYTES_MAX, 'MB'),
      atLeast('`shiplog rebuild`', rebuiltPerSecond, REBUILT_PER_SECOND_MIN, 'events/s'),
    ],
  });
} finally {
  await platform.destroy();
}
