import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startReconcileLoop, type ReconcileLoop, type RoundResult } from './reconcile-loop.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A loop of which the test ends every round. */
const loopOf = (resyncMs = 10_000) => {
  const rounds: { end: (result?: RoundResult) => void; fail: () => void; signal: AbortSignal }[] =
    [];
  const errors: unknown[] = [];
  const loop: ReconcileLoop = startReconcileLoop({
    name: 'test',
    resyncMs,
    round: (signal) =>
      new Promise((resolve, reject) => {
        const fail = (): void => reject(new Error('no'));
        rounds.push({ end: (result) => resolve(result), fail, signal });
      }),
    onError: (error) => errors.push(error),
  });
  return { loop, rounds, errors };
};
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

it('begins with a round, without being asked, and repeats it', async () => {
  const { rounds } = loopOf();
  expect(rounds).toHaveLength(1);
  rounds[0]?.end();
  await pass(9_999);
  expect(rounds).toHaveLength(1);
  await pass(1);
  expect(rounds).toHaveLength(2);
});

it('makes one more round of many nudges during a round, and never two at once', async () => {
  const { loop, rounds } = loopOf();
  for (let i = 0; i < 5; i += 1) loop.nudge();
  await pass(1_000);
  expect(rounds).toHaveLength(1);
  rounds[0]?.end();
  await pass(0);
  expect(rounds).toHaveLength(2);
  rounds[1]?.end();
  await pass(9_999);
  expect(rounds).toHaveLength(2);
});

it('looks again when a round says that time makes a difference, not later than it does anyway', async () => {
  const { rounds } = loopOf();
  rounds[0]?.end({ nextRoundInMs: 300 });
  await pass(300);
  expect(rounds).toHaveLength(2);
  rounds[1]?.end({ nextRoundInMs: 60_000 });
  await pass(10_000);
  expect(rounds).toHaveLength(3);
});

it('rests for as long as a round took, at most as told, and then serves what came meanwhile at once', async () => {
  const began: number[] = [];
  const loop = startReconcileLoop({
    name: 'test',
    restMsMax: 20,
    round: async () => {
      began.push(performance.now());
      await new Promise((resolve) => setTimeout(resolve, began.length === 1 ? 5 : 100));
      return undefined;
    },
    onError: () => undefined,
  });
  await pass(5);
  loop.nudge();
  await pass(4);
  expect(began).toHaveLength(1);
  await pass(1);
  expect(began).toHaveLength(2);
  loop.nudge();
  await pass(119);
  expect(began).toHaveLength(2);
  await pass(1);
  expect(began).toHaveLength(3);
});

it('goes on after a failed round, with a pause that grows and is forgotten after a good one', async () => {
  const { rounds, errors } = loopOf(60_000);
  const pauses = [400, 800, 1_600, 3_200, 6_400, 10_000, 10_000];
  for (const [i, ms] of pauses.entries()) {
    rounds[i]?.fail();
    await pass(ms - 1);
    expect(rounds).toHaveLength(i + 1);
    await pass(1);
    expect(rounds).toHaveLength(i + 2);
  }
  expect(errors).toHaveLength(pauses.length);
  rounds.at(-1)?.end({ nextRoundInMs: 0 });
  await pass(0);
  rounds.at(-1)?.fail();
  const before = rounds.length;
  await pass(400);
  expect(rounds).toHaveLength(before + 1);
});

it('stops when the round under way has ended, which it tells so, and begins no other', async () => {
  const { loop, rounds, errors } = loopOf();
  let isStopped = false;
  const stopped = loop.stop().then(() => (isStopped = true));
  await pass(0);
  expect(rounds[0]?.signal.aborted).toBe(true);
  expect(isStopped).toBe(false);
  loop.nudge();
  rounds[0]?.fail();
  await stopped;
  await pass(60_000);
  expect(rounds).toHaveLength(1);
  expect(errors).toEqual([]);
});
