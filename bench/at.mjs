// How long a look into the past takes (`--at`), in a log with a long past, from snapshots.
//   node bench/at.mjs [events] [looks]      needs `npm run build`; default 1000000 events, 8 looks of each kind
// `npm start` of a real platform on a home of its own, whose nats-server holds tellings of 50 apps each, all but
// the last destroyed. Each look is at another random moment, so that nothing of it is at hand: `apps list --at
// SEQUENCE` and `--at TIME`, and `ps`, `config list` and `domains list` of an app that was there then.
// Meanwhile others ask for today every 20 ms.
import { rm, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectServer } from '@shiplog/provisioner';
import { seededRandom } from '@shiplog/read-models/testing';
import { derivedPathsOf } from '@shiplog/runtime';
import { round } from './lib/figures.mjs';
import { fillRaw, longLog } from './lib/long-log.mjs';
import { lookAround, watchOthers } from './lib/looks.mjs';
import { BenchPlatform, residentBytesOf } from './lib/platform.mjs';
import { atLeast, atMost, fileSystemOf, report } from './lib/report.mjs';
import { waitFor } from './lib/wait.mjs';

const LOOK_MS_MAX = 5_000;
const START_WITHIN_MS = 20 * 60_000;
const SNAPSHOT_EVERY = 50_000;
const wantedEvents = Number(process.argv[2] ?? 1_000_000);
const looks = Number(process.argv[3] ?? 8);

const platform = await BenchPlatform.create('at');
const paths = derivedPathsOf(platform.config);

const fill = async () => {
  const times = [];
  async function* timed() {
    for await (const commit of longLog({ events: Math.ceil(wantedEvents * 1.001) })) {
      times[times.length === 0 ? 0 : 1] = commit.time;
      yield commit;
    }
  }
  const startedAt = performance.now();
  const filled = await fillRaw(platform.config, timed());
  const seconds = round((performance.now() - startedAt) / 1000, 1);
  return { ...filled, seconds, first: Date.parse(times[0]), last: Date.parse(times[1]) };
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

const timed = async (look) => {
  const startedAt = performance.now();
  await look();
  return performance.now() - startedAt;
};

try {
  const { first, last, ...filled } = await fill();
  await platform.start(START_WITHIN_MS);
  const keptAfterSeconds = await madeInBackground(filled.commits);
  const client = await platform.client();
  const range = { head: filled.commits, first, last };
  const othersOver = watchOthers(client);
  let memory = 0;
  const memoryTimer = setInterval(() => {
    void residentBytesOf(platform.pid).then((bytes) => (memory = Math.max(memory, bytes / 1e6)));
  }, 100);
  const found = await lookAround(client, range, looks, seededRandom(1));
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
  const worstMs = Math.max(...Object.values(found).map((kind) => kind.worstMs));
  report({
    bench: 'at',
    versions: { natsServer: server.version },
    storage: {
      fileSystem: fileSystemOf(platform.home),
      fsync: server.isSyncAlways ? 'before every acknowledgement (sync_interval: always)' : 'no',
    },
    filled,
    snapshots: { count: kept.kept.length, megabytes: kept.megabytes, keptAfterSeconds },
    looks: found,
    firstByTimeMs,
    othersWaitedMs,
    memoryMegabytesMost: Math.round(memory),
    targets: [
      atLeast('events in the log', filled.events, wantedEvents),
      atMost('worst look, of whatever kind', worstMs, LOOK_MS_MAX, 'ms'),
      atMost('first look at a time after a start', firstByTimeMs, LOOK_MS_MAX, 'ms'),
    ],
  });
} finally {
  await platform.destroy();
}
