import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { START, toPosition } from '../sequence.js';
import { appendMany, newStream } from '../testing/commits.js';
import { LogFeed, type Fold } from './feed.js';
import { fileSnapshotStore } from './file-snapshot-store.js';
import { InMemoryEventLog } from './in-memory-event-log.js';

/** Counts what it was given, and remembers what it was restored from. */
const counter = (codeHash: string): Fold & { count: number; restoredFrom: unknown } => ({
  name: 'counter',
  codeHash,
  count: 0,
  restoredFrom: undefined,
  apply() {
    this.count += 1;
  },
  snapshot() {
    return this.count;
  },
  restore(state) {
    this.restoredFrom = state;
    this.count = state as number;
  },
});

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shiplog-feed-'));
});
afterEach(() => rm(directory, { recursive: true }));

const run = async (
  log: InMemoryEventLog,
  codeHash: string,
): Promise<ReturnType<typeof counter>> => {
  const fold = counter(codeHash);
  const feed = new LogFeed(log, fileSnapshotStore(directory)).add(fold);
  await feed.start();
  await feed.stop();
  return fold;
};

describe('the feed of a process', () => {
  it('starts from its snapshot and reads only what came after it', async () => {
    const log = new InMemoryEventLog();
    await appendMany(log, newStream(), 7);
    await run(log, 'code-1');
    await appendMany(log, newStream(), 3);
    expect(await run(log, 'code-1')).toMatchObject({ restoredFrom: 7, count: 10 });
  });

  it('asks the log once for all who ask in one turn, and again for whoever asks later', async () => {
    const log = new InMemoryEventLog();
    const feed = new LogFeed(log);
    await feed.start();
    const head = vi.spyOn(log, 'head');
    await appendMany(log, newStream(), 1);
    const all = [feed.catchUp(), Promise.resolve().then(() => feed.catchUp()), feed.catchUp()];
    expect(await Promise.all(all)).toEqual([toPosition(1), toPosition(1), toPosition(1)]);
    expect(head).toHaveBeenCalledTimes(1);
    const asked = feed.catchUp();
    await new Promise((resolve) => process.nextTick(resolve));
    await appendMany(log, newStream(), 1);
    expect(await feed.catchUp()).toBe(toPosition(2));
    await asked;
    expect(head).toHaveBeenCalledTimes(3);
    await feed.stop();
  });

  it('throws away a snapshot of other code', async () => {
    const log = new InMemoryEventLog();
    await appendMany(log, newStream(), 7);
    await run(log, 'code-1');
    expect(await run(log, 'code-2')).toMatchObject({ restoredFrom: undefined, count: 7 });
  });

  it('refuses a log that has not what its snapshot has: it went back in time', async () => {
    const log = new InMemoryEventLog();
    await appendMany(log, newStream(), 7);
    await run(log, 'code-1');
    const other = new InMemoryEventLog();
    await appendMany(other, newStream(), 9);
    await expect(run(other, 'code-1')).rejects.toThrow('has another commit at that place');
    const shorter = new InMemoryEventLog();
    await appendMany(shorter, newStream(), 2);
    await expect(run(shorter, 'code-2')).rejects.toMatchObject({
      code: 'log-went-back',
      message: expect.stringContaining(`ends at 2. Restore the newer log; or`) as string,
    });
    await rm(join(directory, 'counter.json'));
    expect(await run(shorter, 'code-1')).toMatchObject({ restoredFrom: undefined, count: 2 });
  });

  it.each([
    ['cut short', (text: string) => text.slice(0, -3)],
    ['altered', (text: string) => text.replace('"state":7', '"state":8')],
    ['emptied', () => ''],
  ])('throws away a snapshot that was %s', async (_, damage) => {
    const log = new InMemoryEventLog();
    await appendMany(log, newStream(), 7);
    await run(log, 'code-1');
    const file = join(directory, 'counter.json');
    await writeFile(file, damage(await readFile(file, 'utf8')));
    expect(await run(log, 'code-1')).toMatchObject({ restoredFrom: undefined, count: 7 });
  });

  it('tells who waits when it has got there, and that it cannot any more', async () => {
    const log = new InMemoryEventLog();
    const feed = new LogFeed(log).add(counter('code-1'));
    await feed.start();
    const third = feed.reach(toPosition(3));
    await appendMany(log, newStream(), 3);
    await third;
    expect(await feed.catchUp()).toBe(toPosition(3));
    const never = feed.reach(toPosition(9));
    await Promise.all([expect(never).rejects.toThrow('stopped'), feed.stop()]);
    await expect(feed.reach(toPosition(9))).rejects.toThrow('stopped');
  });

  it('nudges after each batch until nobody listens', async () => {
    const log = new InMemoryEventLog();
    const feed = new LogFeed(log).add(counter('code-1'));
    await feed.start();
    let nudges = 0;
    const end = feed.onBatch((batch) => (nudges += batch.length));
    await appendMany(log, newStream(), 4);
    await feed.catchUp();
    end();
    await appendMany(log, newStream(), 4);
    await feed.catchUp();
    expect(nudges).toBe(4);
    expect(feed.position).not.toBe(START);
    await feed.stop();
  });

  it('tells of its end once, also who comes late, and nobody who no longer listens', async () => {
    const feed = new LogFeed(new InMemoryEventLog()).add(counter('code-1'));
    await feed.start();
    const heard: string[] = [];
    feed.onEnd(() => heard.push('early'));
    feed.onEnd(() => heard.push('gone'))();
    await feed.stop();
    feed.onEnd(() => heard.push('late'));
    expect(heard).toEqual(['early', 'late']);
  });
});
