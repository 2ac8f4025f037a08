import { describe, expect, it, vi } from 'vitest';
import { toPosition, type RecordedCommit } from '@shiplog/events';
import { HandedOver, HandOver, type CommitReader, type HandedPiece } from './handed-over.js';

const positionsOf = (records: readonly RecordedCommit[]): number[] =>
  records.map(({ position }) => Number(position));
const commits = (from: number, to: number): RecordedCommit[] =>
  Array.from(
    { length: to - from + 1 },
    (_, i) => ({ position: toPosition(BigInt(from + i)) }) as RecordedCommit,
  );
const at = (n: number): string => toPosition(BigInt(n));

/** A feed of which the test is the log. */
const feed = () => {
  const listeners = new Set<(batch: readonly RecordedCommit[]) => void>();
  return {
    onBatch: (listener: (batch: readonly RecordedCommit[]) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    read: (from: number, to: number) => {
      for (const listener of listeners) listener(commits(from, to));
    },
  };
};

const setUp = () => {
  const asked: string[] = [];
  const log: CommitReader = {
    compare: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
    readAfter: (after, limit) => {
      asked.push(`${Number(after)}+${limit}`);
      return Promise.resolve(commits(Number(after) + 1, Number(after) + limit));
    },
  };
  const source = new HandedOver(log);
  const one = feed();
  const handOver = new HandOver(one, (piece: HandedPiece) => source.push(piece));
  return { asked, source, handOver, read: one.read };
};

describe('commits handed over by the feed', () => {
  it('are not read from the log, however they were cut', async () => {
    const { asked, source, read } = setUp();
    read(1, 3);
    read(4, 9);
    expect(positionsOf(await source.readAfter(at(0), 5))).toEqual([1, 2, 3, 4, 5]);
    expect(positionsOf(await source.readAfter(at(5), 5))).toEqual([6, 7, 8, 9]);
    expect(asked).toEqual([]);
  });

  it('are waited for a moment', async () => {
    const { asked, source, read } = setUp();
    const reading = source.readAfter(at(0), 5);
    read(1, 2);
    expect(positionsOf(await reading)).toEqual([1, 2]);
    expect(asked).toEqual([]);
  });

  it('are read from the log where none come, and before the feed began', async () => {
    const { asked, source, read } = setUp();
    vi.useFakeTimers();
    const first = source.readAfter(at(0), 1);
    await vi.advanceTimersByTimeAsync(100);
    expect(positionsOf(await first)).toEqual([1]);
    // It was waited for once: this one needs no passing of time.
    expect(positionsOf(await source.readAfter(at(1), 1))).toEqual([2]);
    vi.useRealTimers();
    read(5, 6);
    expect(positionsOf(await source.readAfter(at(2), 2))).toEqual([3, 4]);
    expect(positionsOf(await source.readAfter(at(4), 2))).toEqual([5, 6]);
    expect(asked).toEqual(['0+1', '1+1', '2+2']);
  });

  it('are not handed over where the thread is ahead of the feed', async () => {
    const { asked, source, handOver, read } = setUp();
    handOver.usedUpTo(at(100));
    read(1, 100);
    read(101, 102);
    expect(positionsOf(await source.readAfter(at(0), 2))).toEqual([1, 2]);
    expect(asked).toEqual(['0+2']);
  });

  it('end when too many are waiting, and nothing is lost by that', async () => {
    const { asked, source, handOver, read } = setUp();
    read(1, 1_000);
    handOver.usedUpTo(at(10));
    read(1_001, 40_010);
    read(40_011, 40_011);
    read(40_012, 40_013);
    expect(positionsOf(await source.readAfter(at(0), 100_000))).toHaveLength(40_010);
    expect(positionsOf(await source.readAfter(at(40_010), 2))).toEqual([40_011, 40_012]);
    expect(asked).toEqual(['40010+2']);
  });
});
