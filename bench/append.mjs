// How fast commits enter the log and are read back, against what nats-server can do at best.
//   node bench/append.mjs [rounds]              needs `npm run build`
// Both sides alternate in one run, on one server, one stream, fsync before every acknowledgement: `raw` is the
// client's own publish of the same bytes and nothing else, `append` is the EventLog with canonical
// bytes, hash, message id and expected revision. Prints one JSON document.
// Exit code 1 when append reaches less than 70 % of raw (ratio of medians).
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { jetstream } from '@nats-io/jetstream';
import { START } from '@shiplog/events';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { encodeCommit } from '@shiplog/events/log';
import { NO_COMMIT, commitAfter, newStream } from '@shiplog/events/testing';
import { inspectServer } from '@shiplog/provisioner';
import { startTestNats } from '@shiplog/provisioner/testing';
import { connectNats, inboxPrefixOf } from '@shiplog/runtime';

const REQUIRED_RATIO = 0.7;
const READ_COMMITS = 20_000;
const rounds = Number(process.argv[2] ?? 9);

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
const median = (numbers) =>
  quantile(
    numbers.toSorted((a, b) => a - b),
    0.5,
  );
const round = (number, digits = 2) => Number(number.toFixed(digits));

const nats = await startTestNats();
const connection = await connectNats(nats.config, 'api');
const log = new JetStreamEventLog(connection, {
  inboxPrefix: inboxPrefixOf('api'),
  durability: () => Promise.resolve('disk'),
});
const js = jetstream(connection, { checkAPI: false });

const nextCommit = () => {
  const stream = newStream();
  return { stream, commit: commitAfter(stream, NO_COMMIT) };
};
const contenders = {
  raw: async () => {
    const { stream, bytes } = prepared.pop();
    await js.publish(`log.${stream}`, bytes, { timeout: 30_000 });
  },
  append: async () => {
    const { stream, commit } = prepared.pop();
    const { outcome } = await log.append(stream, NO_COMMIT.revision, commit);
    if (outcome !== 'appended') throw new Error(`an append met a ${outcome}`);
  },
};
// Commits are made before the clock starts; `append` encodes and hashes them while it runs.
let prepared = [];

const run = async (operation, inFlight, count) => {
  prepared = Array.from({ length: count }, () => {
    const next = nextCommit();
    return operation === contenders.raw ? { ...next, bytes: encodeCommit(next.commit) } : next;
  });
  const latencies = [];
  let left = count;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) {
        const at = performance.now();
        await operation();
        latencies.push(performance.now() - at);
      }
    }),
  );
  return { perSecond: (count / (performance.now() - startedAt)) * 1000, latencies };
};

const compare = async (inFlight, count) => {
  const results = { raw: [], append: [] };
  for (let i = -1; i < rounds; i += 1) {
    const order = i % 2 === 0 ? ['raw', 'append'] : ['append', 'raw'];
    for (const name of order) {
      const result = await run(contenders[name], inFlight, count);
      // The first round warms up.
      if (i >= 0) results[name].push(result);
    }
  }
  const figures = (name) => {
    const rates = results[name].map(({ perSecond }) => perSecond);
    const latencies = results[name].flatMap((r) => r.latencies).toSorted((a, b) => a - b);
    return {
      perSecond: Math.round(median(rates)),
      spread: [Math.round(Math.min(...rates)), Math.round(Math.max(...rates))],
      p50Ms: round(quantile(latencies, 0.5)),
      p99Ms: round(quantile(latencies, 0.99)),
    };
  };
  const raw = figures('raw');
  const append = figures('append');
  return { inFlight, raw, append, ratio: round(append.perSecond / raw.perSecond) };
};

const measureReading = async () => {
  await nats.emptyLog();
  await run(contenders.append, 128, READ_COMMITS);
  const rates = [];
  for (let i = 0; i < 5; i += 1) {
    const startedAt = performance.now();
    let seen = 0;
    await new Promise((resolve) => {
      const subscription = log.follow(START, (batch) => {
        seen += batch.length;
        if (seen < READ_COMMITS) return;
        void subscription.stop();
        resolve();
      });
    });
    rates.push((seen / (performance.now() - startedAt)) * 1000);
  }
  return {
    commits: READ_COMMITS,
    commitsPerSecond: Math.round(median(rates)),
    spread: [Math.round(Math.min(...rates)), Math.round(Math.max(...rates))],
  };
};

const fileSystemOf = (folder) =>
  execFileSync('df', ['--output=fstype,source', folder], { encoding: 'utf8' })
    .trim()
    .split('\n')[1];

const appending = [await compare(1, 1_000), await compare(32, 3_000)];
const reading = await measureReading();
const server = await inspectServer(nats.config, 5_000);
console.log(
  JSON.stringify(
    {
      machine: {
        cpus: cpus().length,
        cpu: cpus()[0]?.model,
        memoryMb: Math.round(totalmem() / 1e6),
      },
      versions: { node: process.version, natsServer: server.version },
      fileSystem: fileSystemOf(nats.config.home),
      fsync: server.isSyncAlways ? 'before every acknowledgement (sync_interval: always)' : 'no',
      commitBytes: encodeCommit(nextCommit().commit).length,
      rounds,
      appending,
      reading,
      required: { ratio: REQUIRED_RATIO },
    },
    null,
    2,
  ),
);
await log.close();
await connection.close();
await nats.close();
process.exitCode = appending.every(({ ratio }) => ratio >= REQUIRED_RATIO) ? 0 : 1;
