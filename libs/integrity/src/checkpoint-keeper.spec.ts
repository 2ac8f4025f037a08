import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toPosition } from '@shiplog/events';
import { InMemoryEventLog, sha256, type EventLog, type StoredCommit } from '@shiplog/events/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainOf } from './chain.js';
import { CheckpointKeeper, COMMITS_MAX, INTERVAL_MS, refill } from './checkpoint-keeper.js';
import { commonPart, contradicted, contradictionOf } from './fence.js';
import { KeyFile } from './key-file.js';
import { MemoryStore, recordCommits } from './testing/index.js';

let folder: string;
let nowMs: number;
let table: MemoryStore;
let witness: MemoryStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shiplog-keeper-'));
  nowMs = Date.UTC(2026, 10, 21);
  table = new MemoryStore('SQL');
  witness = new MemoryStore('elsewhere');
});
afterEach(() => rm(folder, { recursive: true }));

type StoredLog = Pick<EventLog, 'readStored' | 'head' | 'isDense'>;
const keeperOf = (log: StoredLog): CheckpointKeeper =>
  new CheckpointKeeper({
    log,
    table,
    copies: [witness],
    keys: new KeyFile(join(folder, 'signing.key')),
    platform: 'shiplog',
    logger: { info: () => undefined, warn: () => undefined },
    now: () => new Date(nowMs),
  });

/** A log that holds exactly these. */
const logOf = (commits: readonly StoredCommit[], isDense = true): StoredLog => ({
  isDense,
  readStored: (after, limit) =>
    Promise.resolve(commits.filter(({ position }) => position > after).slice(0, limit)),
  head: () => Promise.resolve(commits.at(-1)?.position ?? '0'.repeat(20)),
});

/** The same commits in a log that numbers them by bytes. */
const elsewhere = (commits: readonly StoredCommit[]): readonly StoredCommit[] =>
  commits.map((commit, i) => ({ ...commit, position: toPosition((i + 1) * 1_000) }));

const chain = () => chainOf(table.kept);

describe('signed checkpoints', () => {
  it('cover every commit once, in stretches, and go on where they were', async () => {
    const log = new InMemoryEventLog();
    await recordCommits(COMMITS_MAX + 234, 1, log);
    await keeperOf(log).cutAll();
    await recordCommits(10, 2, log);
    await keeperOf(log).cutAll();
    expect(chain()).toMatchObject({ problem: undefined, leaves: { count: COMMITS_MAX + 244 } });
    expect(table.kept.map(({ checkpoint }) => checkpoint.count)).toEqual([COMMITS_MAX, 234, 10]);
    expect(witness.kept).toEqual(table.kept);
  });

  it.each([
    ['is no JSON', '{"garbage",],"from":3,"id":"x"}', 'decoding'],
    ['has another count of versions', undefined, 'versions'],
  ])('do not swear to a commit that %s, whatever its hash', async (_, garbage, problem) => {
    const commits = await recordCommits(4);
    const last = commits.at(-1);
    const text =
      garbage ??
      Buffer.from(last?.bytes ?? '')
        .toString()
        .replace(/"to":\d+/, '"to":99');
    const bytes = Buffer.from(text);
    const wrong = [...commits.slice(0, 3), { ...last, bytes, hash: sha256(bytes) } as StoredCommit];
    const keeper = keeperOf(logOf(wrong));
    await keeper.cutAll();
    expect(table.kept).toEqual([]);
    expect(keeper.state.problem).toContain(problem);
  });

  it('are made of a full stretch at once, of fewer commits and of none after five minutes', async () => {
    const log = new InMemoryEventLog();
    const keeper = keeperOf(log);
    await keeper.cut();
    await recordCommits(3, 1, log);
    await keeper.cut();
    expect(table.kept.map(({ checkpoint }) => checkpoint.count)).toEqual([0]);
    nowMs += INTERVAL_MS;
    await keeper.cut();
    nowMs += INTERVAL_MS;
    await keeper.cut();
    expect(table.kept.map(({ checkpoint }) => checkpoint.count)).toEqual([0, 3, 0]);
    await recordCommits(COMMITS_MAX, 2, log);
    await keeper.cut();
    expect(table.kept.map(({ checkpoint }) => checkpoint.count)).toEqual([0, 3, 0, COMMITS_MAX]);
  });

  it('of two processes are one chain', async () => {
    const log = new InMemoryEventLog();
    await recordCommits(40, 1, log);
    await Promise.all(Array.from({ length: 5 }, () => keeperOf(log).cutAll()));
    await recordCommits(40, 2, log);
    await Promise.all(Array.from({ length: 5 }, () => keeperOf(log).cutAll()));
    expect(chain()).toMatchObject({ problem: undefined, leaves: { count: 80 } });
  });

  it('reach a witness that was away as soon as it is back, and nobody waits for it', async () => {
    const log = new InMemoryEventLog();
    const keeper = keeperOf(log);
    witness.fails = new Error('no such folder');
    await recordCommits(3, 1, log);
    await keeper.cutAll();
    await recordCommits(3, 2, log);
    await keeper.cutAll();
    expect(keeper.state.copies).toEqual([
      { name: 'elsewhere', number: null, problem: 'no such folder' },
    ]);
    witness.fails = undefined;
    await keeper.cut();
    expect(witness.kept).toEqual(table.kept);
    expect(keeper.state.copies).toEqual([{ name: 'elsewhere', number: 2, problem: null }]);
  });

  it('are not made of a log that does not go on where the newest one ends', async () => {
    const log = new InMemoryEventLog();
    await recordCommits(6, 1, log);
    await keeperOf(log).cutAll();
    const keeper = keeperOf(logOf(await recordCommits(9, 2)));
    await keeper.cutAll();
    expect(keeper.state.problem).toContain('audit verify');
    expect(table.kept).toHaveLength(1);
  });

  it('are signed by another key after a rotation, also one that a crash cut short', async () => {
    const log = new InMemoryEventLog();
    await recordCommits(3, 1, log);
    await keeperOf(log).cutAll();
    const named = await keeperOf(log).rotateKey();
    expect(named.nextKey).not.toBeNull();
    await recordCommits(3, 2, log);
    await keeperOf(log).cutAll();
    const [first, , third] = table.kept.map(({ checkpoint }) => checkpoint);
    expect(third?.key).toBe(named.nextKey);
    expect(third?.key).not.toBe(first?.key);
    expect(chainOf(table.kept, first?.key).problem).toBeUndefined();
  });

  it('are handed on in portions, however many a copy has missed', async () => {
    const log = new InMemoryEventLog();
    const keeper = keeperOf(log);
    witness.fails = new Error('no room');
    for (let i = 0; i < 450; i += 1) {
      nowMs += INTERVAL_MS;
      await keeper.cut();
    }
    witness.fails = undefined;
    const portions: number[] = [];
    const put = witness.put.bind(witness);
    witness.put = (sealed) => {
      portions.push(sealed.length);
      return put(sealed);
    };
    nowMs += INTERVAL_MS;
    await keeper.cut();
    expect(portions).toEqual([200, 200, 51]);
    expect(witness.kept).toEqual(table.kept);
  });

  it('come back from a copy where the table was lost', async () => {
    const log = new InMemoryEventLog();
    await recordCommits(30, 1, log);
    await keeperOf(log).cutAll();
    table = new MemoryStore('SQL');
    expect(await refill(table, witness)).toBe(1);
    await recordCommits(3, 2, log);
    await keeperOf(log).cutAll();
    expect(chain()).toMatchObject({ problem: undefined, leaves: { count: 33 } });
  });
});

describe('the fence of a start', () => {
  const sworn = async (count: number): Promise<readonly StoredCommit[]> => {
    const log = new InMemoryEventLog();
    const commits = await recordCommits(count, 1, log);
    await keeperOf(log).cutAll();
    return commits;
  };

  it('lets a log pass that is as it was, or longer', async () => {
    const commits = await sworn(20);
    expect(await contradictionOf(logOf(commits), [table, witness])).toBeUndefined();
    const more = [...commits, ...(await recordCommits(25)).slice(20)];
    expect(await contradictionOf(logOf(more), [table])).toBeUndefined();
    expect(await contradictionOf(logOf([]), [new MemoryStore()])).toBeUndefined();
  });

  it('stops one that ends before, and says how to go on', async () => {
    const older = logOf((await sworn(20)).slice(0, 15));
    expect(await contradictionOf(older, [table])).toBe(table);
    const error = await contradicted(older, table);
    expect(error?.message).toMatch(
      /covers 20 commits, but the log has 15\..*SHIPLOG_ACCEPT_LOG=15/,
    );
  });

  it('stops one that has another commit there', async () => {
    await sworn(20);
    const other = logOf(await recordCommits(30, 7));
    expect(await contradictionOf(other, [new MemoryStore(), witness])).toBe(witness);
    expect((await contradicted(other, witness))?.message).toContain('another commit as number 20');
  });

  it('goes on with what an operator accepted, which stays on record', async () => {
    const commits = await sworn(20);
    const older = logOf(commits.slice(0, 15));
    const keeper = keeperOf(older);
    await keeper.accept(await commonPart(older, table));
    expect(await contradictionOf(older, [table, witness])).toBeUndefined();
    expect(chain().resets.map(({ reset }) => reset?.total)).toEqual([15]);
    // What comes after it is signed again.
    const others = (await recordCommits(30, 7)).slice(15).map((one) => one);
    await keeperOf(logOf([...commits.slice(0, 15), ...others])).cutAll();
    expect(chain()).toMatchObject({ problem: undefined, leaves: { count: 30 } });
  });

  it('lets a copy pass whose positions are others, and signs on from where its commits lie now', async () => {
    const commits = await sworn(20);
    const more = [...commits, ...(await recordCommits(25)).slice(20)];
    const copy = logOf(elsewhere(more), false);
    expect(await contradictionOf(copy, [table, witness])).toBeUndefined();
    await keeperOf(copy).cutAll();
    expect(chain()).toMatchObject({ problem: undefined, leaves: { count: 25 } });
    expect(chain().newest).toMatchObject({ count: 5, total: 25, after: toPosition(20_000) });
    // And back again.
    expect(await contradictionOf(logOf(more), [table])).toBeUndefined();
    await keeperOf(logOf(more)).cut();
    expect(chain().newest).toMatchObject({ count: 0, total: 25, to: toPosition(25) });
  });

  it('names whoever testifies to the most commits, and of the same ones with the newest checkpoint', async () => {
    const commits = await sworn(20);
    const behind = new MemoryStore('behind');
    await behind.put(table.kept);
    const more = [...commits, ...(await recordCommits(25)).slice(20)];
    await keeperOf(logOf(more)).cutAll();
    expect(table.kept.length).toBe(behind.kept.length + 1);
    const older = logOf(commits.slice(0, 12));
    expect(await contradictionOf(older, [behind, table])).toBe(table);
    expect(await contradictionOf(older, [table, behind])).toBe(table);
    expect(await contradictionOf(logOf(commits), [behind, table])).toBe(table);
    // A checkpoint over nothing new.
    nowMs += INTERVAL_MS;
    const same = new MemoryStore('same');
    await same.put(table.kept);
    await keeperOf(logOf(more)).cut();
    expect(table.kept.length).toBe(same.kept.length + 1);
    expect(await contradictionOf(older, [same, table, behind])).toBe(table);
    expect(await contradictionOf(older, [table, same])).toBe(table);
  });

  it('stops a copy that lacks commits', async () => {
    const copy = logOf(elsewhere((await sworn(20)).toSpliced(7, 1)), false);
    expect(await contradictionOf(copy, [table])).toBe(table);
    expect((await contradicted(copy, table))?.message).toContain('but the log has 19.');
  });

  it('finds how far a forked log is the same', async () => {
    const commits = await sworn(20);
    const forked = [...commits.slice(0, 12), ...(await recordCommits(30, 7)).slice(12)];
    expect(await commonPart(logOf(forked), table)).toEqual({
      total: 12,
      last: commits[11]?.hash,
      to: commits[11]?.position,
    });
  });
});
