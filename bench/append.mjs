// How fast commits enter the log and are read back, against what nats-server can do at best.
//   node bench/append.mjs [rounds]              needs `npm run build`
// Both sides alternate in one run, on one server, one stream, fsync before every acknowledgement: `raw` is the
// client's own publish of the same bytes and nothing else, `append` is the EventLog with canonical
// bytes, hash, message id and expected revision.
import { jetstream } from '@nats-io/jetstream';
import { START } from '@shiplog/events';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { encodeCommit } from '@shiplog/events/log';
import { NO_COMMIT, commitAfter, newStream } from '@shiplog/events/testing';
import { inspectServer } from '@shiplog/provisioner';
import { startTestNats } from '@shiplog/provisioner/testing';
import { connectNats, inboxPrefixOf } from '@shiplog/runtime';
import { latencyFigures, rateFigures, ratioOf } from './lib/figures.mjs';
import { atLeast, fileSystemOf, report } from './lib/report.mjs';

const REQUIRED_RATIO = 0.8;
const READ_COMMITS = 20_000;
// Many short rounds: a disturbance spoils a few of them and not the median.
const rounds = Number(process.argv[2] ?? 31);

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
  raw: async ({ stream, bytes }) => {
    await js.publish(`log.${stream}`, bytes, { timeout: 30_000 });
  },
  append: async ({ stream, commit }) => {
    const { outcome } = await log.append(stream, NO_COMMIT.revision, commit);
    if (outcome !== 'appended') throw new Error(`an append met a ${outcome}`);
  },
};

const run = async (name, inFlight, count) => {
  // Commits are made before the clock starts; `append` encodes and hashes them while it runs.
  const prepared = Array.from({ length: count }, () => {
    const next = nextCommit();
    return name === 'raw' ? { ...next, bytes: encodeCommit(next.commit) } : next;
  });
  const latencies = [];
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (let next = prepared.pop(); next !== undefined; next = prepared.pop()) {
        const at = performance.now();
        await contenders[name](next);
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
      const result = await run(name, inFlight, count);
      // The first round warms up.
      if (i >= 0) results[name].push(result);
    }
  }
  const ratesOf = (name) => results[name].map(({ perSecond }) => perSecond);
  const figures = (name) => ({
    ...rateFigures(ratesOf(name)),
    latency: latencyFigures(results[name].flatMap(({ latencies }) => latencies)),
  });
  return {
    inFlight,
    raw: figures('raw'),
    append: figures('append'),
    ...ratioOf(ratesOf('append'), ratesOf('raw')),
  };
};

const measureReading = async () => {
  await nats.emptyLog();
  await run('append', 128, READ_COMMITS);
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
  return { commits: READ_COMMITS, ...rateFigures(rates) };
};

const one = await compare(1, 300);
const many = await compare(32, 1_500);
const crowd = await compare(256, 3_000);
const reading = await measureReading();
const server = await inspectServer(nats.config, 5_000);
report({
  bench: 'append',
  versions: { natsServer: server.version },
  storage: {
    fileSystem: fileSystemOf(nats.config.home),
    fsync: server.isSyncAlways ? 'before every acknowledgement (sync_interval: always)' : 'no',
  },
  rounds,
  commitBytes: encodeCommit(nextCommit().commit).length,
  appending: [one, many, crowd],
  reading,
  targets: [
    atLeast('append, 1 in flight, of raw publish', one.ratio, REQUIRED_RATIO),
    atLeast('append, 32 in flight, of raw publish', many.ratio, REQUIRED_RATIO),
    atLeast('append, 256 in flight, of raw publish', crowd.ratio, REQUIRED_RATIO),
    atLeast('fsync before every acknowledgement', Number(server.isSyncAlways), 1),
  ],
});
await log.close();
await connection.close();
await nats.close();
