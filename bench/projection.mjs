// How fast the read models are made again from the log, into SQLite, as `shiplog rebuild` does it.
//   node bench/projection.mjs [events]          needs `npm run build`
// Prints one JSON document. Exit code 1 when the rate is below the required 20,000 events/s.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { startReadModels } from '@shiplog/read-models';
import { recordHistory } from '@shiplog/read-models/testing';

const REQUIRED_EVENTS_PER_SECOND = 20_000;
const ROUNDS = 3;
const wantedEvents = Number(process.argv[2] ?? 100_000);

const silent = { info: () => undefined, warn: () => undefined, error: console.error };
const megabytes = (bytes) => Math.round(bytes / 1e6);
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

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

// About 11 events a turn: measured, and the result says how many there were.
const platform = await recordHistory({ apps: 50, turns: Math.ceil(wantedEvents / 50 / 11) });
const directory = await mkdtemp(join(tmpdir(), 'shiplog-bench-'));
const file = join(directory, 'read-models.sqlite');
const rates = [];
const ratesOfCpu = [];
let events = 0;
let pauseMs = 0;
let rssMax = 0;
const rssBefore = process.memoryUsage.rss();
const rssTimer = setInterval(() => (rssMax = Math.max(rssMax, process.memoryUsage.rss())), 20);

const fillStarted = performance.now();
const models = await startReadModels({
  database: { kind: 'sqlite', file },
  log: platform.log,
  feed: platform.feed,
  logger: silent,
});
const fillMs = performance.now() - fillStarted;

for (let round = 0; round < ROUNDS; round += 1) {
  const pauses = watchPauses();
  const cpuBefore = process.cpuUsage();
  const result = await models.rebuild();
  const cpu = process.cpuUsage(cpuBefore);
  ratesOfCpu.push(Math.round(result.events / ((cpu.user + cpu.system) / 1e6)));
  pauseMs = Math.max(pauseMs, pauses());
  events = result.events;
  rates.push(Math.round((result.events / result.durationMs) * 1000));
}
clearInterval(rssTimer);
await models.stop();

const restartStarted = performance.now();
const again = await startReadModels({
  database: { kind: 'sqlite', file },
  log: platform.log,
  feed: platform.feed,
  logger: silent,
});
const restartMs = performance.now() - restartStarted;
await again.stop();

const rate = median(rates);
const fileSystem = execFileSync('stat', ['-f', '-c', '%T', directory], { encoding: 'utf8' }).trim();
console.log(
  JSON.stringify(
    {
      bench: 'projection-rebuild',
      eventsPerSecond: rate,
      rounds: rates,
      // What is left of the machine's noise: other work takes the wall clock, not this.
      eventsPerCpuSecond: median(ratesOfCpu),
      required: REQUIRED_EVENTS_PER_SECOND,
      events,
      commits: Number(await platform.log.head()),
      firstFillEventsPerSecond: Math.round((events / fillMs) * 1000),
      restartMs: Math.round(restartMs),
      longestPauseMs: pauseMs,
      databaseMegabytes: megabytes((await stat(file)).size),
      rssMegabytes: { withLogInMemory: megabytes(rssBefore), most: megabytes(rssMax) },
      machine: {
        cpu: cpus()[0]?.model,
        cores: cpus().length,
        loadAverage: loadavg()[0],
        memoryMegabytes: megabytes(totalmem()),
        fileSystem,
        durability: 'SQLite WAL, synchronous = NORMAL',
        node: process.version,
      },
    },
    null,
    2,
  ),
);
await rm(directory, { recursive: true });
await platform.stop();
process.exitCode = rate >= REQUIRED_EVENTS_PER_SECOND ? 0 : 1;
