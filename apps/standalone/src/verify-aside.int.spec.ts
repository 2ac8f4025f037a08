import { verifyInThread, type VerificationLine, type VerifyJob } from '@shiplog/api';
import { EMPTY, START } from '@shiplog/events';
import { InMemoryEventLog, type StoredCommit } from '@shiplog/events/log';
import { recordCommits, sealAll } from '@shiplog/integrity/testing';
import { startTestNats, type TestNats } from '@shiplog/provisioner/testing';
import { openLog } from '@shiplog/runtime';
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

const witnessOf = (commits: readonly StoredCommit[]): VerifyJob => {
  const { sealed } = sealAll(commits);
  const testimony = { name: 'a witness', isOwn: true, sealed, problem: undefined };
  return { testimonies: [testimony], memories: [], pin: undefined };
};
const resultOf = async (lines: AsyncIterable<VerificationLine>) => {
  let last: VerificationLine | undefined;
  for await (const line of lines) last = line;
  return last;
};

it('verifies in a thread, against what the witnesses hold', async () => {
  const { signal } = new AbortController();
  expect(await resultOf(verifyInThread(nats.config, witnessOf(stored), signal))).toMatchObject({
    kind: 'result',
    ok: true,
    checked: COMMITS,
    witnesses: [{ state: 'agrees', commits: COMMITS }],
  });
  const ofAnother = verifyInThread(nats.config, witnessOf(await recordCommits(COMMITS)), signal);
  expect(await resultOf(ofAnother)).toMatchObject({ ok: false, firstBad: { kind: 'forked' } });
});

it('ends the thread when nobody waits for it any more', async () => {
  const leaving = new AbortController();
  const lines = verifyInThread(nats.config, witnessOf(stored), leaving.signal);
  const result = resultOf(lines);
  leaving.abort();
  expect(await result).toBeUndefined();
});
