// What the fold of an aggregate with a long history costs beyond reading it.
//   node bench/fold.mjs [events] [rounds]      needs `npm run build`; default 10000 events, 15 rounds
// One stream of so many commits of one event on a real nats-server. `read` is the log's read of it, which decodes and
// checks every commit and its chain; `fold` is what makes of them the state that decisions are taken by.
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { NO_COMMIT, appendMany, commitAfter, newStream } from '@shiplog/events/testing';
import { app } from '@shiplog/domain';
import { inspectServer } from '@shiplog/provisioner';
import { startTestNats } from '@shiplog/provisioner/testing';
import { connectNats, inboxPrefixOf } from '@shiplog/runtime';
import { median, round, spread } from './lib/figures.mjs';
import { atMost, fileSystemOf, report } from './lib/report.mjs';

const BEYOND_MS_MAX = 50;
const events = Number(process.argv[2] ?? 10_000);
const rounds = Number(process.argv[3] ?? 15);

const nats = await startTestNats();
const connection = await connectNats(nats.config, 'api');
const log = new JetStreamEventLog(connection, {
  inboxPrefix: inboxPrefixOf('api'),
  process: 'api',
  durability: () => Promise.resolve('disk'),
});

const stream = newStream();
const appId = stream.split('.')[1];
const created = { type: 'AppCreated', v: 1, data: { appId, name: 'long', teamId: appId } };
const first = commitAfter(stream, NO_COMMIT, { events: [created] });
const { revision, hash } = await log.append(stream, NO_COMMIT.revision, first);
await appendMany(log, stream, events - 1, { revision, version: 1, hash });

const foldOf = (records) => {
  let state = app.initialState;
  let count = 0;
  for (const { commit } of records) {
    for (const event of commit.events) {
      state = app.evolve(state, event);
      count += 1;
    }
  }
  if (count !== events || state.status !== 'active') throw new Error('that is not the aggregate');
};

const times = { read: [], fold: [] };
for (let i = -1; i < rounds; i += 1) {
  const startedAt = performance.now();
  const records = await log.read(stream);
  const readAt = performance.now();
  foldOf(records);
  // The first round warms up.
  if (i < 0) continue;
  times.read.push(readAt - startedAt);
  times.fold.push(performance.now() - readAt);
}
const server = await inspectServer(nats.config, 5_000);
report({
  bench: 'fold',
  versions: { natsServer: server.version },
  storage: { fileSystem: fileSystemOf(nats.config.home), fsync: 'reading only' },
  rounds,
  events,
  readMs: { median: round(median(times.read), 1), spread: spread(times.read, 1) },
  foldMs: { median: round(median(times.fold)), spread: spread(times.fold) },
  targets: [
    atMost('fold of an aggregate, beyond its reads', median(times.fold), BEYOND_MS_MAX, 'ms'),
  ],
});
await log.close();
await connection.close();
await nats.close();
