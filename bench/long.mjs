// A platform whose log has a long past: starts on it, and the read models made again, with the memory it takes.
//   node bench/long.mjs [events] [sqlite|postgres]     needs `npm run build`; default 1000000 events
// Where a database is named, only its rebuild is measured.
// `npm start` of a real platform whose nats-server holds tellings of 50 apps each, all but the last destroyed:
//   grown     the first start after the log grew by all of it: no snapshot, no read models of it
//   again     after Ctrl-C: nats-server and HAProxy run and are adopted
//   powerCut  control plane, nats-server and HAProxy were killed with -9
// `shiplog rebuild` runs in the platform, when that has signed all of the log and is at rest: read from nats-server,
// folded on another core, compared, switched to.
import { ensureNatsServer, inspectServer } from '@shiplog/provisioner';
import { startPostgres } from '@shiplog/read-models/testing';
import { median, round, spread } from './lib/figures.mjs';
import { fillRaw, longLog } from './lib/long-log.mjs';
import { BenchPlatform, residentBytesOf } from './lib/platform.mjs';
import { atLeast, atMost, fileSystemOf, report } from './lib/report.mjs';

const READY_MS_MAX = 5_000;
const START_WITHIN_MS = 20 * 60_000;
const ROUNDS = 3;
const wanted = Number(process.argv[2] ?? 1_000_000);
const only = process.argv[3];
const megabytes = (bytes) => Math.round(bytes / 1e6);

const platform = await BenchPlatform.create('long');

const starts = async (before) => {
  const times = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    await before();
    times.push(await platform.start(START_WITHIN_MS));
  }
  return { readyMs: Math.round(median(times)), spread: spread(times, 0) };
};

/** Its rate, and the memory of the control plane at each tenth of it. */
const rebuild = async () => {
  await platform.atRest();
  const client = await platform.client();
  const tenths = [];
  const startedAt = performance.now();
  await client.platform.startRebuild({}, {});
  let status = await client.platform.rebuildStatus();
  let foldedMs;
  while (status.state === 'running' || status.state === 'comparing') {
    const tenth = Math.floor((10 * status.done) / Math.max(1, status.total));
    tenths[tenth] ??= megabytes(await residentBytesOf(platform.pid));
    if (status.state === 'comparing') foldedMs ??= performance.now() - startedAt;
    await new Promise((done) => setTimeout(done, 100));
    status = await client.platform.rebuildStatus();
  }
  const ms = performance.now() - startedAt;
  if (status.state !== 'done') throw new Error(`the rebuild ended: ${JSON.stringify(status)}`);
  return {
    events: status.events,
    seconds: round(ms / 1000, 1),
    comparedAfterSeconds: foldedMs === undefined ? null : round(foldedMs / 1000, 1),
    eventsPerSecond: Math.round((status.events / ms) * 1000),
    megabytesAtEachTenth: tenths.map((value) => value ?? null),
  };
};

const inSqlite = async () => {
  const grown = { readyMs: Math.round(await platform.start(START_WITHIN_MS)) };
  if (only !== undefined) {
    // What the first start left in memory is not the rebuild's.
    await platform.stop();
    await platform.start();
    return { start: { grown }, rebuild: await rebuild() };
  }
  const again = await starts(() => platform.stop());
  const rebuilt = await rebuild();
  const powerCut = await starts(() => platform.killAll());
  await platform.killAll();
  const natsStartedAt = performance.now();
  await ensureNatsServer(platform.config);
  const natsServerMsAfterPowerCut = Math.round(performance.now() - natsStartedAt);
  return { start: { grown, again, powerCut, natsServerMsAfterPowerCut }, rebuild: rebuilt };
};

let database;
const inPostgres = async () => {
  database = await startPostgres();
  platform.env.SHIPLOG_DATABASE_URL = await database.createDatabase('bench_long');
  const grownInPostgres = { readyMs: Math.round(await platform.start(START_WITHIN_MS)) };
  return { start: { grownInPostgres }, rebuild: await rebuild() };
};

const targetsOf = (sqlite, postgres) => [
  ...(sqlite?.start.again === undefined
    ? []
    : [
        atMost('ready again after Ctrl-C', sqlite.start.again.readyMs, READY_MS_MAX, 'ms'),
        atMost('ready after a power cut', sqlite.start.powerCut.readyMs, READY_MS_MAX, 'ms'),
      ]),
  ...rateTargets('SQLite', sqlite, 50_000),
  ...rateTargets('PostgreSQL', postgres, 20_000),
];

const rateTargets = (name, measured, least) =>
  measured === undefined
    ? []
    : [
        atLeast(
          `\`shiplog rebuild\` into ${name}`,
          measured.rebuild.eventsPerSecond,
          least,
          'events/s',
        ),
      ];

try {
  const startedAt = performance.now();
  const filled = await fillRaw(platform.config, longLog({ events: Math.ceil(wanted * 1.001) }));
  const fillSeconds = Math.round((performance.now() - startedAt) / 1000);
  const sqlite = only === 'postgres' ? undefined : await inSqlite();
  const postgres = only === 'sqlite' ? undefined : await inPostgres();
  const server = await inspectServer(platform.config, 5_000);
  await platform.stop();
  report({
    bench: 'long',
    versions: { natsServer: server.version },
    storage: {
      fileSystem: fileSystemOf(platform.home),
      fsync: server.isSyncAlways ? 'before every acknowledgement (sync_interval: always)' : 'no',
    },
    filled: { ...filled, seconds: fillSeconds },
    start: { ...sqlite?.start, ...postgres?.start },
    rebuild: { sqlite: sqlite?.rebuild, postgres: postgres?.rebuild },
    targets: [atLeast('events in the log', filled.events, wanted), ...targetsOf(sqlite, postgres)],
  });
} finally {
  await platform.destroy();
  await database?.stop();
}
