import { appendFile, mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { START, toPosition, type Position } from '@shiplog/events';
import { checkedLines, LogFeed, type EventLog } from '@shiplog/events/log';
import { readModelsOver } from '../query/queries.js';
import { SqlDatabase } from '../sql/database.js';
import { sqlRowStore } from '../sql/sql-row-store.js';
import type { StartReading } from '../reading/read-ahead.js';
import type { ReadLines } from '../reading/reading-thread.js';
import { recordHistory, type RecordedPlatform } from '../testing/index.js';
import { textOf } from '../testing/documents-of.js';
import { readingHere } from '../testing/reading-here.js';
import { LogTimes } from './log-times.js';
import { makePastHere } from './make-past.js';
import { Past } from './past.js';
import { SnapshotFiles } from './snapshot-files.js';
import { SnapshotKeeper } from './snapshot-keeper.js';

const EVERY = 400;
let platform: RecordedPlatform;
let log: EventLog;
let head: number;
let directory: string;
let made = 0;

beforeAll(async () => {
  platform = await recordHistory({ apps: 3, turns: 70, seed: 7 });
  ({ log } = platform);
  head = Number(await log.head());
  expect(head).toBeGreaterThan(2_000);
});
afterAll(() => platform.stop());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shiplog-past-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** As it is folded from nothing, in memory. */
const fromScratch = async (position: Position): Promise<string> => {
  const past = new Past(log);
  const text = await textOf((await past.at(position)).dump());
  await past.forget();
  return text;
};

const make = async (
  position: Position,
  codeHash = 'code',
  of: EventLog = log,
  startReading?: StartReading,
) => {
  const file = join(directory, `made-${(made += 1)}.sqlite`);
  const options = startReading === undefined ? {} : { startReading };
  const state = await makePastHere(of, { every: EVERY, ...options })({
    directory,
    codeHash,
    file,
    until: position,
  });
  const database = await SqlDatabase.attach({ kind: 'sqlite', file });
  const text = await textOf(readModelsOver(sqlRowStore(database)).dump());
  await database.close();
  return { text, state };
};

/** Positions that the log is read from, so that a test sees what was not folded again. */
const watched = (): { log: EventLog; reads: Position[] } => {
  const reads: Position[] = [];
  const readAfter: EventLog['readAfter'] = (after, limit) => {
    if (limit > 1) reads.push(after);
    return log.readAfter(after, limit);
  };
  return { reads, log: Object.assign(Object.create(log) as EventLog, { readAfter }) };
};

/** The snapshot of that number. */
const damage = async (number: number): Promise<void> => {
  const file = await open(join(directory, `${toPosition(number * EVERY)}.sqlite`), 'r+');
  await file.write(Buffer.from([0xff, 0x00, 0xff]), 0, 3, 20_000);
  await file.close();
};

const snapshots = async (): Promise<string[]> =>
  (await readdir(directory)).filter((name) => /^\d{20}\.sqlite$/.test(name)).toSorted();

describe('a past that is made on from a snapshot', () => {
  it('is the same, byte for byte, as one that is made from nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: head }), async (n) => {
        const { text, state } = await make(toPosition(n));
        expect(state.commits).toBe(n);
        expect(text).toBe(await fromScratch(toPosition(n)));
      }),
      { numRuns: 15 },
    );
    expect((await snapshots()).length).toBeGreaterThan(2);
  });

  it('reads the log from the snapshot on', async () => {
    await make(toPosition(head));
    const { log: seen, reads } = watched();
    await make(toPosition(3 * EVERY + 10), 'code', seen);
    expect(reads[0]).toBe(toPosition(3 * EVERY));
  });

  it('is the same where another thread reads, also when that begins at one that is damaged', async () => {
    const long = Object.assign(Object.create(log) as EventLog, { commitsBetween: () => 20_000 });
    const begunAt: Position[] = [];
    const startReading: StartReading = (stretch, limits) => {
      begunAt.push(stretch.after);
      return readingHere(lines)(stretch, limits);
    };
    const lines: ReadLines = async (after, limit) => {
      const stored = await log.readStored(after, limit);
      return stored.length === 0 ? undefined : checkedLines(Number(after) + 1, stored);
    };
    await make(toPosition(head));
    const at = toPosition(3 * EVERY + 399);
    const whole = await make(at, 'code', long, startReading);
    await damage(3);
    const afterDamage = await make(at, 'code', long, startReading);
    const nearest = toPosition(3 * EVERY);
    expect(begunAt).toEqual([nearest, nearest]);
    const right = await fromScratch(at);
    expect([whole.text, afterDamage.text]).toEqual([right, right]);
  });

  it('does not use what is damaged, cut short, of other code, or of another log', async () => {
    const at = toPosition(2 * EVERY + 50);
    const right = (await make(at)).text;
    const second = join(directory, `${toPosition(2 * EVERY)}.sqlite`);
    await damage(2);
    const damaged = watched();
    expect((await make(at, 'code', damaged.log)).text).toBe(right);
    expect(damaged.reads[0]).toBe(toPosition(EVERY));

    await appendFile(second, 'more');
    expect((await make(at)).text).toBe(right);

    const other = watched();
    expect((await make(at, 'other code', other.log)).text).toBe(right);
    expect(other.reads[0]).toBe(START);

    const elsewhere = await recordHistory({ apps: 2, turns: 80, seed: 8 });
    const foreign = join(directory, 'foreign.sqlite');
    const until = toPosition(2 * EVERY + 50);
    const makeElsewhere = makePastHere(elsewhere.log, { every: EVERY });
    await makeElsewhere({ directory, codeHash: 'other code', file: foreign, until });
    const expected = new Past(elsewhere.log);
    const database = await SqlDatabase.attach({ kind: 'sqlite', file: foreign });
    expect(await textOf(readModelsOver(sqlRowStore(database)).dump())).toBe(
      await textOf((await expected.at(until)).dump()),
    );
    await database.close();
    await expected.forget();
    await elsewhere.stop();
  });

  it('can be read by its owner only', async () => {
    await make(toPosition(EVERY));
    const files = (await readdir(directory)).filter((name) => /sqlite(\.json)?$/.test(name));
    expect(files.length).toBe(3);
    for (const name of files) {
      expect((await stat(join(directory, name))).mode & 0o077).toBe(0);
    }
  });

  it('keeps no more than may be kept', async () => {
    await make(toPosition(head));
    const files = await snapshots();
    const [newest] = files.slice(-1);
    const state = await make(toPosition(EVERY * Math.floor(head / EVERY)));
    const tight = new SnapshotFiles(directory, 'code', 1);
    await tight.keep(join(directory, newest ?? ''), state.state);
    expect(await snapshots()).toEqual([newest]);
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    const reads = watched();
    const stopping: EventLog = Object.assign(Object.create(reads.log) as EventLog, {
      readAfter: (after: Position, limit: number) => {
        if (reads.reads.length === 2) stop.abort();
        return reads.log.readAfter(after, limit);
      },
    });
    const file = join(directory, 'ended.sqlite');
    const job = { directory, codeHash: 'code', file, until: toPosition(head) };
    await expect(makePastHere(stopping, { every: EVERY })(job, stop.signal)).rejects.toThrow(
      'aborted',
    );
  });
});

describe('the marks of snapshots', () => {
  it('lead to the same place of a moment, without the log before them', async () => {
    const long = await recordHistory({ apps: 3, turns: 90, seed: 9 });
    const end = await long.log.head();
    const file = join(directory, 'marks.sqlite');
    const makeLong = makePastHere(long.log, { every: 2_000 });
    await makeLong({ directory, codeHash: 'code', file, until: end });
    const files = new SnapshotFiles(directory, 'code');
    const all = await long.log.readAfter(START, 100_000);
    let lowest = Infinity;
    const seen = Object.assign(Object.create(long.log) as EventLog, {
      readAfter: (after: Position, limit: number) => {
        if (limit > 1) lowest = Math.min(lowest, Number(after));
        return long.log.readAfter(after, limit);
      },
    });
    const time = all[2_500]?.commit.time ?? '';
    const marked = new LogTimes(seen, { marks: () => files.marks(long.log) });
    expect(await marked.positionAt(time)).toBe(await new LogTimes(long.log).positionAt(time));
    expect(lowest).toBe(2_000);
    await long.stop();
  });
});

describe('keeping snapshots', () => {
  it('goes on by itself while the log grows, and starts where it was', async () => {
    const feed = new LogFeed(log);
    await feed.start();
    const make = makePastHere(log, { every: EVERY });
    const place = { directory, codeHash: 'code', make };
    const kept: object[] = [];
    const done = new Promise<void>((resolve, reject) => {
      const logger = {
        info: (fields: object) => {
          kept.push(fields);
          resolve();
        },
        warn: (fields: object) => reject(new Error(JSON.stringify(fields))),
        error: () => undefined,
      };
      const options = { log, feed, place, logger, isIdle: () => true, every: EVERY };
      const keeper = new SnapshotKeeper(options);
      afterEach(() => keeper.stop());
    });
    await done;
    const last = Math.floor(head / EVERY) * EVERY;
    expect(kept).toMatchObject([{ position: toPosition(last) }]);
    expect(await snapshots()).toHaveLength(Math.floor(head / EVERY));
    await feed.stop();
  });
});

describe('looks into a long past', () => {
  it('are made from files one at a time, once for all who ask, and removed in the end', async () => {
    const here = makePastHere(log, { every: EVERY });
    let running = 0;
    let most = 0;
    let count = 0;
    const place = {
      directory,
      codeHash: 'code',
      make: async (...job: Parameters<typeof here>) => {
        count += 1;
        most = Math.max(most, (running += 1));
        return here(...job).finally(() => (running -= 1));
      },
    };
    const past = new Past(log, place, 100);
    const asked = [300, 900, 900, 1_500].map((n) => past.at(toPosition(n)));
    const models = await Promise.all(asked);
    expect([most, count]).toEqual([1, 3]);
    expect(await textOf(models[1]!.dump())).toBe(await fromScratch(toPosition(900)));
    expect(await readdir(join(directory, 'open'))).not.toEqual([]);
    await past.forget();
    expect(await readdir(join(directory, 'open'))).toEqual([]);
  });
});
