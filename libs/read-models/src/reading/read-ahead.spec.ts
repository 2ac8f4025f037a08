import { beforeAll, describe, expect, it, vi } from 'vitest';
import { START, toPosition, type RecordedCommit } from '@shiplog/events';
import { checkedLines, InMemoryEventLog, LogDamagedError } from '@shiplog/events/log';
import { appendMany, newStream } from '@shiplog/events/testing';
import { ReadAhead } from './read-ahead.js';
import { readingHere } from '../testing/reading-here.js';
import type { ReadLines } from './reading-thread.js';

const COMMITS = 100;
const log = new InMemoryEventLog();
let all: readonly RecordedCommit[];
beforeAll(async () => {
  await appendMany(log, newStream(), COMMITS);
  all = await log.readAfter(START, COMMITS);
});

/** Of the thread: a piece is seven commits. */
const lines: ReadLines = async (after, limit) => {
  const stored = await log.readStored(after, Math.min(limit, 7));
  return stored.length === 0 ? undefined : checkedLines(Number(after) + 1, stored);
};

/** The thread, in this one. */
const setUp = (read = lines, until = COMMITS) => {
  const asked: string[] = [];
  const reader = {
    compare: (a: string, b: string) => log.compare(a, b),
    readAfter: (after: string, limit: number) => {
      asked.push(`${Number(after)}+${limit}`);
      return log.readAfter(after, limit);
    },
  };
  const pieces = vi.fn();
  const ahead = new ReadAhead(reader, readingHere(read, pieces), toPosition(until));
  return { ahead, asked, pieces };
};

const readAll = async (ahead: ReadAhead, limit: number) => {
  const found: RecordedCommit[] = [];
  for (;;) {
    const page = await ahead.readAfter(found.at(-1)?.position ?? START, limit);
    if (page.length === 0) return found;
    expect(page.length).toBeLessThanOrEqual(limit);
    found.push(...page);
  }
};

describe('a log read in another thread', () => {
  it.each([1, 5, 7, 16, 1_000])('gives what the log gives, %i at once', async (limit) => {
    const { ahead, asked } = setUp();
    expect(await readAll(ahead, limit)).toEqual(all);
    // At the end there is nobody else to ask.
    expect(asked).toEqual([`${COMMITS}+${limit}`]);
  });

  it('is a few pieces ahead, and no more', async () => {
    const { ahead, pieces } = setUp();
    await ahead.readAfter(START, 1);
    await vi.waitFor(() => expect(pieces).toHaveBeenCalledTimes(6));
    await ahead.readAfter(toPosition(1), 7);
    await vi.waitFor(() => expect(pieces).toHaveBeenCalledTimes(7));
    await new Promise((resolve) => setImmediate(resolve));
    expect(pieces).toHaveBeenCalledTimes(7);
    await ahead.stop();
  });

  it('is read here where that thread ends early or gives something else', async () => {
    const { ahead, asked } = setUp(lines, 20);
    expect(await readAll(ahead, 50)).toEqual(all);
    expect(asked[0]).toBe('21+50');
    const jumping = setUp();
    await jumping.ahead.readAfter(toPosition(30), 1);
    expect(await readAll(jumping.ahead, 50)).toEqual(all);
  });

  it('is read here where that thread fails', async () => {
    const failing = vi.fn(() => Promise.reject(new LogDamagedError('damaged', toPosition(1))));
    const { ahead, asked } = setUp(failing);
    expect(await readAll(ahead, 50)).toEqual(all);
    expect(asked[0]).toBe('0+50');
    expect(failing).toHaveBeenCalled();
  });
});
