// How long a look into the past takes (`--at`), in a log with a long past, from snapshots.
//   node bench/at.mjs [events] [looks]      needs `npm run build`; default 1000000 events, 12 looks of each kind
// `npm start` of a real platform on a home of its own, whose nats-server holds the history of 50 apps. Each
// look is at another random moment, so that nothing of it is at hand: as `apps list --at SEQUENCE`, as
// `apps list --at TIME`, and `ps --at` of one app. Meanwhile others ask for today every 20 ms.
import { rm, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toPosition } from '@shiplog/events';
import { ensureNatsServer, inspectServer } from '@shiplog/provisioner';
import { recordHistory, seededRandom } from '@shiplog/read-models/testing';
import { derivedPathsOf } from '@shiplog/runtime';
import { fillLog } from './lib/fill-log.mjs';
import { median, round, spread } from './lib/figures.mjs';
import { BenchPlatform, residentBytesOf } from './lib/platform.mjs';
import { atLeast, atMost, fileSystemOf, report } from './lib/report.mjs';
import { waitFor } from './lib/wait.mjs';

const LOOK_MS_MAX = 5_000;
const APPS = 50;
const EVENTS_PER_TURN = 14.3;
const SNAPSHOT_EVERY = 50_000;
const wantedEvents = Number(process.argv[2] ?? 1_000_000);
const looks = Number(process.argv[3] ?? 12);

const platform = await BenchPlatform.create('at');
const paths = derivedPathsOf(platform.config);

const fill = async () => {
  const turns = Math.ceil(wantedEvents / APPS / EVENTS_PER_TURN);
  const history = await recordHistory({ apps: APPS, turns, atRest: true });
  await history.stop();
  const first = (await history.log.readAfter(toPosition(0), 1))[0].commit.time;
  const last = (await history.log.readAfter(toPosition(Number(await history.log.head()) - 1), 1))[0]
    .commit.time;
  await ensureNatsServer(platform.config);
  const startedAt = performance.now();
  const filled = await fillLog(platform.config, history.log);
  const seconds = round((performance.now() - startedAt) / 1000, 1);
  return { ...filled, seconds, first: Date.parse(first), last: Date.parse(last) };
};

const snapshots = async () => {
  const names = await readdir(paths.past).catch(() => []);
  const kept = names.filter((name) => /^\d{20}\.sqlite$/.test(name)).toSorted();
  const sizes = await Promise.all(
    kept.map(async (name) => (await stat(join(paths.past, name))).size),
  );
  return { kept, megabytes: Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1e6) };
};

/** As the platform makes them by itself once it runs. */
const madeInBackground = async (commits) => {
  const startedAt = performance.now();
  await waitFor(
    'the snapshots',
    async () => {
      const newest = (await snapshots()).kept.at(-1) ?? '0';
      const names = await readdir(paths.past).catch(() => []);
      const isMaking = names.some((name) => name.startsWith('making-'));
      return Number.parseInt(newest, 10) > commits - SNAPSHOT_EVERY - 1_000 && !isMaking;
    },
    { timeoutMs: 600_000 },
  );
  return round((performance.now() - startedAt) / 1000, 1);
};

/** The longest that anybody waited for today's answer. */
const watchOthers = (client) => {
  let longest = 0;
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const startedAt = performance.now();
      await client.platform.whoami();
      longest = Math.max(longest, performance.now() - startedAt);
      await delay(20);
    }
  })();
  return async () => {
    isOver = true;
    await asking;
    return Math.round(longest);
  };
};

const figures = (times) => ({
  medianMs: Math.round(median(times)),
  worstMs: Math.round(Math.max(...times)),
  spread: spread(times, 0),
});

const timed = async (look) => {
  const startedAt = performance.now();
  await look();
  return performance.now() - startedAt;
};

try {
  await platform.start();
  await platform.stop();
  const { first, last, ...filled } = await fill();
  await platform.start();
  const keptAfterSeconds = await madeInBackground(filled.commits);
  const client = await platform.client();
  const random = seededRandom(1);
  const head = filled.commits;
  const othersOver = watchOthers(client);
  let memory = 0;
  const memoryTimer = setInterval(() => {
    void residentBytesOf(platform.pid).then((bytes) => (memory = Math.max(memory, bytes / 1e6)));
  }, 100);
  const bySequence = [];
  const byTime = [];
  const ofOneApp = [];
  for (let i = 0; i < looks; i += 1) {
    const at = String(1 + Math.floor(random() * head));
    bySequence.push(await timed(() => client.apps.list({ at })));
    const time = new Date(first + random() * (last - first)).toISOString();
    byTime.push(await timed(() => client.apps.list({ at: time })));
    const late = String(Math.floor(head * (0.5 + random() / 2)));
    const [app] = await client.apps.list({ at: late });
    ofOneApp.push(await timed(() => client.apps.instances(app.id, { at: late })));
  }
  clearInterval(memoryTimer);
  const othersWaitedMs = await othersOver();
  // Nothing of the times is at hand either: the first look of a platform that was just started.
  await platform.stop();
  await platform.start();
  const again = await platform.client();
  const middle = new Date((first + last) / 2).toISOString();
  const firstByTimeMs = Math.round(await timed(() => again.apps.list({ at: middle })));
  await platform.stop();
  const kept = await snapshots();
  await rm(paths.past, { recursive: true, force: true });
  const server = await inspectServer(platform.config, 5_000);
  const sequences = figures(bySequence);
  const times = figures(byTime);
  report({
    bench: 'at',
    versions: { natsServer: server.version },
    storage: {
      fileSystem: fileSystemOf(platform.home),
      fsync: server.isSyncAlways ? 'before every acknowledgement (sync_interval: always)' : 'no',
    },
    filled,
    snapshots: { count: kept.kept.length, megabytes: kept.megabytes, keptAfterSeconds },
    looks: { bySequence: sequences, byTime: times, againAtTheSame: figures(ofOneApp) },
    firstByTimeMs,
    othersWaitedMs,
    memoryMegabytesMost: Math.round(memory),
    targets: [
      atLeast('events in the log', filled.events, wantedEvents),
      atMost('worst look at a sequence', sequences.worstMs, LOOK_MS_MAX, 'ms'),
      atMost('worst look at a time', times.worstMs, LOOK_MS_MAX, 'ms'),
      atMost('first look at a time after a start', firstByTimeMs, LOOK_MS_MAX, 'ms'),
    ],
  });
} finally {
  await platform.destroy();
}
