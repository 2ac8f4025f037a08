import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { START, toPosition, type RecordedCommit } from '@shiplog/events';
import { recordsIn, type CheckedLines } from '@shiplog/events/log';
import { appendMany, newStream } from '@shiplog/events/testing';
import { CheckpointTable } from '@shiplog/integrity';
import { sealAll } from '@shiplog/integrity/testing';
import { startTestNats, type TestNats } from '@shiplog/provisioner/testing';
import type { Stretch } from '@shiplog/read-models';
import { openLog, pathsOf } from '@shiplog/runtime';

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

const readInThread = async (stretch: Stretch): Promise<readonly CheckedLines[]> => {
  const workerData = { config: nats.config, stretch };
  // Without the conditions of the test runner, which lead to sources.
  const thread = new Worker(script, { workerData, execArgv: [] });
  const pieces: CheckedLines[] = [];
  thread.on('message', (lines: CheckedLines) => {
    pieces.push(lines);
    thread.postMessage('used');
  });
  const code = await new Promise((resolve, reject) => {
    thread.once('exit', resolve);
    thread.once('error', reject);
  });
  expect(code).toBe(0);
  return pieces;
};
const stretch: Stretch = { after: toPosition(3), until: toPosition(COMMITS) };
const expected = async () => (await opened.log.readAfter(START, COMMITS)).slice(3);
const recordsOf = (pieces: readonly CheckedLines[]): readonly RecordedCommit[] =>
  pieces.flatMap((lines) => recordsIn(lines, 0, Infinity));

it.skipIf(!isBuilt)('reads a stretch of the log of nats-server, checked, and ends', async () => {
  const pieces = await readInThread(stretch);
  expect(recordsOf(pieces)).toEqual(await expected());
  expect(pieces.every(({ areNamed }) => areNamed)).toBe(true);
});

it.skipIf(!isBuilt)('reads bytes alone where signed checkpoints know their hashes', async () => {
  const file = join(pathsOf(nats.config.home).integrity, 'checkpoints.sqlite');
  const table = await CheckpointTable.open({ kind: 'sqlite', file });
  await table.put(sealAll(await opened.log.readStored(START, COMMITS), { every: 170 }).sealed);
  await table.close();
  const pieces = await readInThread(stretch);
  expect(recordsOf(pieces)).toEqual(await expected());
  expect(pieces.some(({ areNamed }) => areNamed)).toBe(false);
});
