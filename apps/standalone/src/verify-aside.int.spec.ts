import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { verifyInThread, type VerificationLine, type VerifyJob } from '@shiplog/api';
import { EMPTY, START } from '@shiplog/events';
import { InMemoryEventLog, type StoredCommit } from '@shiplog/events/log';
import { CheckpointFile } from '@shiplog/integrity';
import { recordCommits, sealAll } from '@shiplog/integrity/testing';
import { startTestNats, type TestNats } from '@shiplog/provisioner/testing';
import { openLog, pathsOf } from '@shiplog/runtime';
import { afterAll, beforeAll, expect, it } from 'vitest';

const COMMITS = 60;
let nats: TestNats;
let stored: readonly StoredCommit[];
beforeAll(async () => {
  nats = await startTestNats();
  const memory = new InMemoryEventLog();
  await recordCommits(COMMITS, 1, memory);
  const { log, close } = await openLog(nats.config, 'api');
  const ends = new Map<string, string>();
  for (const { commit } of await memory.readAfter(START, COMMITS)) {
    const { stream } = commit;
    const appended = await log.append(stream, ends.get(stream) ?? EMPTY, commit);
    if (appended.outcome === 'appended') ends.set(stream, appended.revision);
  }
  stored = await log.readStored(START, COMMITS);
  await close();
});
afterAll(() => nats.close());

const JOB: VerifyJob = { copies: [], memories: [], pin: undefined };
/** The file beside SQL swears to these, and to nothing else. */
const swearTo = async (commits: readonly StoredCommit[]) => {
  const path = join(pathsOf(nats.config.home).integrity, 'checkpoints.ndjson');
  await rm(path, { force: true });
  await new CheckpointFile('file', path).put(sealAll(commits).sealed);
};
const resultOf = async (lines: AsyncIterable<VerificationLine>) => {
  let last: VerificationLine | undefined;
  for await (const line of lines) last = line;
  return last;
};

it('verifies in a thread, against what those say who keep checkpoints', async () => {
  const { signal } = new AbortController();
  await swearTo(stored);
  expect(await resultOf(verifyInThread(nats.config, JOB, signal))).toMatchObject({
    kind: 'result',
    ok: true,
    checked: COMMITS,
    witnesses: [{ name: 'SQL' }, { name: 'file', state: 'agrees', commits: COMMITS }],
  });
  await swearTo(await recordCommits(COMMITS));
  const ofAnother = verifyInThread(nats.config, JOB, signal);
  expect(await resultOf(ofAnother)).toMatchObject({ ok: false, firstBad: { kind: 'forked' } });
});

it('ends the thread when nobody waits for it any more', async () => {
  const leaving = new AbortController();
  const lines = verifyInThread(nats.config, JOB, leaving.signal);
  const result = resultOf(lines);
  leaving.abort();
  expect(await result).toBeUndefined();
});
