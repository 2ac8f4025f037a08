import { START, toPosition, type RecordedCommit } from '@shiplog/events';
import { InMemoryEventLog, recordsIn, type StoredCommit } from '@shiplog/events/log';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { seal } from './checkpoint.js';
import { SealedLines } from './sealed-lines.js';
import { newSigningKey } from './signing-key.js';
import { MemoryStore, recordCommits } from './testing/index.js';

const COMMITS = 300;
const cut = { platform: 'shiplog', key: newSigningKey().key, now: '2026-11-26T12:00:00.000Z' };
const log = new InMemoryEventLog();
let stored: readonly StoredCommit[];
let all: readonly RecordedCommit[];
beforeAll(async () => {
  await recordCommits(COMMITS, 1, log);
  stored = await log.readStored(START, COMMITS);
  all = await log.readAfter(START, COMMITS);
});

let checkpoints: MemoryStore;
beforeEach(() => {
  checkpoints = new MemoryStore('SQL');
});
const swear = async (from: number, to: number, change?: Parameters<typeof seal>[3]) => {
  const previous = (await checkpoints.newest())?.checkpoint;
  await checkpoints.put([seal(previous, stored.slice(from, to), cut, change)]);
};

/** Everything after a place, and what was read whole for it. */
const readFrom = async (after: number, limit: number, bytes = stored.map((one) => one.bytes)) => {
  const whole = vi.fn((place: string, count: number) => log.readStored(place, count));
  const lines = new SealedLines(
    {
      readStored: whole,
      readBytes: (place, count) =>
        Promise.resolve(bytes.slice(Number(place), Number(place) + count)),
    },
    checkpoints,
  );
  const found: RecordedCommit[] = [];
  for (let place = after; ;) {
    const piece = await lines.read(toPosition(place), limit);
    if (piece === undefined) break;
    const records = recordsIn(piece, 0, limit);
    found.push(...records);
    place += records.length;
  }
  return { found, whole: whole.mock.calls.map(([place]) => Number(place)) };
};

describe('lines of a log that checkpoints testify to', () => {
  it.each([1, 7, 64, 1_000])(
    'are its commits, read by their bytes alone, %i at once',
    async (n) => {
      for (let from = 0; from < COMMITS; from += 50) await swear(from, from + 50);
      const { found, whole } = await readFrom(0, n);
      expect(found).toEqual(all);
      // Only to hear that there are no more.
      expect(whole).toEqual([COMMITS]);
    },
  );

  it('begin anywhere, whatever the size of the checkpoints', async () => {
    const ends = [0, 0, 3, 3, 4, 100, 101, 101, 250, COMMITS];
    for (const [i, end] of ends.entries()) await swear(ends[i - 1] ?? 0, end);
    for (const after of [0, 2, 3, 4, 99, 100, 101, 249, 250, 299, 300]) {
      const { found, whole } = await readFrom(after, 40);
      expect(found).toEqual(all.slice(after));
      expect(whole).toEqual([COMMITS]);
    }
  });

  it('are read whole where no checkpoint testifies to them', async () => {
    expect((await readFrom(0, 100)).whole).toEqual([0, 100, 200, 300]);
    await swear(0, 150);
    const { found, whole } = await readFrom(0, 100);
    expect(found).toEqual(all);
    expect(whole).toEqual([150, 250, 300]);
  });

  it('are read whole where a checkpoint is not what was signed', async () => {
    for (let from = 0; from < COMMITS; from += 100) await swear(from, from + 100);
    const [first, second, third] = checkpoints.kept;
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three');
    const other = { ...second.checkpoint, total: 201 };
    for (const one of [
      { ...second, leaves: first.leaves },
      { ...second, checkpoint: other },
    ]) {
      checkpoints.kept.splice(1, 1, one);
      const { found, whole } = await readFrom(0, 100);
      expect(found).toEqual(all);
      expect(whole).toEqual([100, 300]);
    }
  });

  it('are read whole, and checked, where the log has something else', async () => {
    await swear(0, COMMITS);
    const bytes = stored.map((one) => one.bytes);
    const swapped = bytes.with(120, bytes[121] as Uint8Array).with(121, bytes[120] as Uint8Array);
    for (const damaged of [bytes.toSpliced(120, 1), swapped]) {
      const { found, whole } = await readFrom(0, 50, damaged);
      expect(found).toEqual(all);
      expect(whole[0]).toBe(100);
    }
    const altered = (bytes[120] as Uint8Array).with(50, 33);
    const read = new SealedLines(
      {
        readBytes: () => Promise.resolve([altered]),
        readStored: () => Promise.resolve([{ ...(stored[120] as StoredCommit), bytes: altered }]),
      },
      checkpoints,
    ).read(toPosition(120), 1);
    await expect(read).rejects.toMatchObject({ code: 'log-damaged' });
  });

  it('go on where an operator went on with an older log', async () => {
    await swear(0, 200);
    const reset = { total: 120, last: stored[119]?.hash ?? null, to: toPosition(120) };
    await swear(0, 0, { reset });
    await swear(120, COMMITS);
    const { found, whole } = await readFrom(0, 40);
    expect(found).toEqual(all);
    expect(whole.length).toBeLessThanOrEqual(4);
  });
});
