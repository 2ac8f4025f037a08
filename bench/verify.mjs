// How fast a whole log is verified: through the log server, and offline from an exported file.
//   node bench/verify.mjs [commits] [rounds]    needs `npm run build`; default 100000 commits, 7 rounds
// Both sides alternate in one run, on one server. `raw` asks for the same batches and counts them; `verify` is what
// `shiplog audit verify` does with a witness of all commits: hash, chain, place, checkpoints.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInbox } from '@nats-io/nats-core';
import { START } from '@shiplog/events';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { exportLine } from '@shiplog/events/log';
import { chainOf, exportEnd, exportHead, LogVerification, sealedLine } from '@shiplog/integrity';
import { sealAll } from '@shiplog/integrity/testing';
import { inspectServer } from '@shiplog/provisioner';
import { startTestNats } from '@shiplog/provisioner/testing';
import { recordHistory } from '@shiplog/read-models/testing';
import { connectNats, inboxPrefixOf } from '@shiplog/runtime';
import { fillLog } from './lib/fill-log.mjs';
import { median, rateFigures, ratioOf } from './lib/figures.mjs';
import { atLeast, fileSystemOf, report } from './lib/report.mjs';

const REQUIRED_RATIO = 0.8;
const OFFLINE_PER_SECOND = 200_000;
const APPS = 50;
const COMMITS_PER_TURN = 14.1;
const BATCH = 2_000;
const wanted = Number(process.argv[2] ?? 100_000);
const rounds = Number(process.argv[3] ?? 7);
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

/** As many messages as there are, in order, by the client alone. */
const raw = async () => {
  let next = 1;
  while (next <= commits) next += await rawBatch(next);
};
const rawBatch = (from) =>
  new Promise((resolve, reject) => {
    let count = 0;
    const inbox = createInbox(inboxPrefixOf('api'));
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null) return reject(error);
        // The end of a batch has no data.
        if (message.data.length > 0) return void (count += 1);
        subscription.unsubscribe();
        resolve(count);
      },
    });
    const request = JSON.stringify({ seq: from, batch: BATCH, max_bytes: 4 * 1024 * 1024 });
    connection.publish('$JS.API.DIRECT.GET.LOG', request, { reply: inbox });
  });

const verify = async () => {
  const witnesses = [{ name: 'SQL', isOwn: true, chain: chainOf(sealed) }];
  const verification = new LogVerification({ witnesses, isDense: true });
  let ahead = log.readStored(START, BATCH);
  for (;;) {
    const batch = await ahead;
    const last = batch.at(-1);
    if (last === undefined) break;
    ahead = log.readStored(last.position, BATCH);
    for (const commit of batch) verification.add(commit);
  }
  const { ok, checked, firstBad } = verification.finish();
  if (!ok || checked !== commits) throw new Error(`not verified: ${JSON.stringify(firstBad)}`);
};

const contenders = { raw, verify };
const rates = { raw: [], verify: [] };
for (let i = -1; i < rounds; i += 1) {
  for (const name of i % 2 === 0 ? ['raw', 'verify'] : ['verify', 'raw']) {
    const startedAt = performance.now();
    await contenders[name]();
    // The first round warms up.
    if (i >= 0) rates[name].push((commits / (performance.now() - startedAt)) * 1000);
  }
}

const folder = await mkdtemp(join(tmpdir(), 'shiplog-bench-verify-'));
const offline = async () => {
  const file = join(folder, 'log.ndjson');
  const out = createWriteStream(file);
  const put = async (text) => {
    if (!out.write(text)) await once(out, 'drain');
  };
  await put(`${exportHead('shiplog')}\n`);
  for (const one of sealed) await put(`${sealedLine(one)}\n`);
  for (const commit of stored) await put(`${exportLine(commit)}\n`);
  await put(`${exportEnd(commits)}\n`);
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
  return { commits, seconds, perSecond: Math.round(commits / median(seconds)) };
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
  raw: rateFigures(rates.raw),
  verify: rateFigures(rates.verify),
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
