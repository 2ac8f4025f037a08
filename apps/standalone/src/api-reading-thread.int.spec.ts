import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { START, toPosition, type RecordedCommit } from '@shiplog/events';
import { recordsIn, type CheckedLines } from '@shiplog/events/log';
import { appendMany, newStream } from '@shiplog/events/testing';
import { startTestNats, type TestNats } from '@shiplog/provisioner/testing';
import type { Stretch } from '@shiplog/read-models';
import { openLog } from '@shiplog/runtime';

const STREAMS = 30;
const COMMITS = 2_400;
// A thread runs what was built.
const script = new URL('../../api/dist/read-models/reading-thread.js', import.meta.url);
const isBuilt = existsSync(fileURLToPath(script));

let nats: TestNats;
let opened: Awaited<ReturnType<typeof openLog>>;
beforeAll(async () => {
  nats = await startTestNats();
  opened = await openLog(nats.config, 'api');
  const each = COMMITS / STREAMS;
  await Promise.all(
    Array.from({ length: STREAMS }, () => appendMany(opened.log, newStream(), each)),
  );
}, 60_000);
afterAll(async () => {
  await opened.close();
  await nats.close();
});

it.skipIf(!isBuilt)('reads a stretch of the log of nats-server, checked, and ends', async () => {
  const stretch: Stretch = { after: toPosition(3), until: toPosition(COMMITS) };
  const workerData = { config: nats.config, stretch };
  // Without the conditions of the test runner, which lead to sources.
  const thread = new Worker(script, { workerData, execArgv: [] });
  const found: RecordedCommit[] = [];
  thread.on('message', (lines: CheckedLines) => {
    found.push(...recordsIn(lines, 0, Infinity));
    thread.postMessage('used');
  });
  const code = await new Promise((resolve, reject) => {
    thread.once('exit', resolve);
    thread.once('error', reject);
  });
  expect(code).toBe(0);
  expect(found).toEqual((await opened.log.readAfter(START, COMMITS)).slice(3));
});
