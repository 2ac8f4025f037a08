import { afterEach, expect, it, vi } from 'vitest';
import { InMemoryEventLog } from '@shiplog/events/log';
import { recordCommits } from '@shiplog/integrity/testing';
import { verifyLog } from './verify.js';

afterEach(() => vi.restoreAllMocks());

it.each([
  [7, 21],
  // An estimate that was too low.
  [0.1, 3],
])('tells progress in commits, where a position counts for %d', async (factor, total) => {
  const log = new InMemoryEventLog();
  await recordCommits(3, 1, log);
  const between = (after: string, until: string) => (Number(until) - Number(after)) * factor;
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 10_000));
  const estimating = Object.create(log, { commitsBetween: { value: between } }) as InMemoryEventLog;
  const job = { testimonies: [], memories: [], pin: undefined };
  const lines = verifyLog(estimating, job, new AbortController().signal);
  expect((await lines.next()).value).toEqual({ kind: 'progress', checked: 3, total });
});
