import { describe, expect, it } from 'vitest';
import { START, type RecordedCommit } from '@shiplog/events';
import type { InMemoryEventLog } from '@shiplog/events/log';
import { CommitSource } from './commit-source.js';
import { recordHistory } from './testing/index.js';

const recorded = async () => {
  const { log } = await recordHistory({ apps: 6, turns: 40 });
  return { log: log as InMemoryEventLog, commits: await log.readAfter(START, 1_000_000) };
};

/** A feed whose batches the test hands out. */
const feedAt = (position: string) => {
  const listeners = new Set<(batch: readonly RecordedCommit[]) => void>();
  return {
    position,
    onBatch: (listener: (batch: readonly RecordedCommit[]) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    give: (batch: readonly RecordedCommit[]) => listeners.forEach((listener) => listener(batch)),
  };
};

const readAll = async (source: CommitSource, from: string): Promise<string[]> => {
  const positions: string[] = [];
  for (let at = from; ; at = positions.at(-1) ?? at) {
    const batch = await source.next(at, 300);
    if (batch.length === 0) return positions;
    positions.push(...batch.map(({ position }) => position));
  }
};

describe('a source of commits', () => {
  it('gives every commit once and in order: older ones from the log, newer ones from the feed', async () => {
    const { log, commits } = await recorded();
    const feed = feedAt(commits[499]?.position ?? '');
    const source = new CommitSource(log, feed, () => undefined);
    feed.give(commits.slice(500, 900));
    const all = commits.slice(0, 900).map(({ position }) => position);
    expect(await readAll(source, START)).toEqual(all);
    feed.give(commits.slice(900, 950));
    expect(await readAll(source, all.at(-1) ?? '')).toHaveLength(50);
  });

  it('keeps little when commits come faster than they are used, and loses none', async () => {
    const { log, commits } = await recorded();
    expect(commits.length).toBeGreaterThan(2_500);
    const feed = feedAt(START);
    const source = new CommitSource(log, feed, () => undefined);
    for (let i = 0; i < commits.length; i += 100) feed.give(commits.slice(i, i + 100));
    expect(await readAll(source, START)).toEqual(commits.map(({ position }) => position));
  });

  it('gives nothing that somebody else has projected meanwhile', async () => {
    const { log, commits } = await recorded();
    const feed = feedAt(START);
    const source = new CommitSource(log, feed, () => undefined);
    feed.give(commits.slice(0, 10));
    expect(await source.next(commits[20]?.position ?? '', 10)).toEqual([]);
    feed.give(commits.slice(10, 30));
    const next = await source.next(commits[20]?.position ?? '', 100);
    expect(next.map(({ position }) => position)).toEqual(
      commits.slice(21, 30).map(({ position }) => position),
    );
  });
});
