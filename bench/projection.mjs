// How fast the read models are made again from the log, into SQLite, as `shiplog rebuild` does it.
//   node bench/projection.mjs [events]          needs `npm run build`
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startReadModels } from '@shiplog/read-models';
import { recordHistory } from '@shiplog/read-models/testing';
import { median, rateFigures } from './lib/figures.mjs';
import { atLeast, dependencyVersion, fileSystemOf, report } from './lib/report.mjs';

const REQUIRED_EVENTS_PER_SECOND = 20_000;
const ROUNDS = 3;
const wantedEvents = Number(process.argv[2] ?? 100_000);

const silent = { info: () => undefined, warn: () => undefined, error: console.error };
const megabytes = (bytes) => Math.round(bytes / 1e6);

/** Measures the event loop's longest pause: queries must go on during a rebuild. */
const watchPauses = () => {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - 5);
    last = now;
  }, 5);
  return () => {
    clearInterval(timer);
    return Math.round(longest);
  };
};

// About 15.5 events a turn: measured, and the result says how many there were.
const platform = await recordHistory({ apps: 50, turns: Math.ceil(wantedEvents / 50 / 15.5) });
const directory = await mkdtemp(join(tmpdir(), 'shiplog-bench-'));
const file = join(directory, 'read-models.sqlite');
const rates = [];
const ratesOfCpu = [];
let events = 0;
let pauseMs = 0;
let rssMax = 0;
const rssBefore = process.memoryUsage.rss();
const rssTimer = setInterval(() => (rssMax = Math.max(rssMax, process.memoryUsage.rss())), 20);

const open = () =>
  startReadModels({
    database: { kind: 'sqlite', file },
    log: platform.log,
    feed: platform.feed,
    logger: silent,
  });
const fillStarted = performance.now();
const models = await open();
const fillMs = performance.now() - fillStarted;

for (let round = 0; round < ROUNDS; round += 1) {
  const pauses = watchPauses();
  const cpuBefore = process.cpuUsage();
  const result = await models.rebuild();
  const cpu = process.cpuUsage(cpuBefore);
  ratesOfCpu.push(Math.round(result.events / ((cpu.user + cpu.system) / 1e6)));
  pauseMs = Math.max(pauseMs, pauses());
  events = result.events;
  rates.push((result.events / result.durationMs) * 1000);
}
clearInterval(rssTimer);
await models.stop();

const restartStarted = performance.now();
const again = await open();
const restartMs = performance.now() - restartStarted;
await again.stop();

const rebuild = rateFigures(rates);
report({
  bench: 'projection',
  versions: { libsql: dependencyVersion('libsql'), typeorm: dependencyVersion('typeorm') },
  storage: { fileSystem: fileSystemOf(directory), fsync: 'SQLite WAL, synchronous = NORMAL' },
  events,
  commits: Number(await platform.log.head()),
  rebuild,
  // What is left of the machine's noise: other work takes the wall clock, not this.
  eventsPerCpuSecond: median(ratesOfCpu),
  firstFillEventsPerSecond: Math.round((events / fillMs) * 1000),
  restartMs: Math.round(restartMs),
  longestPauseMs: pauseMs,
  databaseMegabytes: megabytes((await stat(file)).size),
  rssMegabytes: { withLogInMemory: megabytes(rssBefore), most: megabytes(rssMax) },
  targets: [
    atLeast(
      'rebuild of the read models',
      rebuild.perSecond,
      REQUIRED_EVENTS_PER_SECOND,
      'events/s',
    ),
  ],
});
await rm(directory, { recursive: true });
await platform.stop();
