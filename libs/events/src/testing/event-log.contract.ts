import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RecordedCommit } from '../commit.js';
import { encodeCommit, sha256 } from '../log/encode.js';
import { CommitRefusedError } from '../log/errors.js';
import type { EventLog } from '../log/event-log.port.js';
import { START, positionBefore, toPosition } from '../sequence.js';
import type { StreamName } from '../registry.js';
import {
  NO_COMMIT,
  appendMany,
  commitAfter,
  endOf,
  increment,
  newStream,
  scaled,
} from './commits.js';

/** A log of its own for one test. */
export interface EventLogUnderTest {
  readonly log: EventLog;
  /** Positions are 1, 2, 3 and so on. Otherwise they only grow, and not every number is one. */
  readonly isDense: boolean;
  /** Resolves when the log has forgotten which commit ids it saw lately; where it forgets. */
  forgetIds?(): Promise<void>;
  /** Breaks and restores the connection or the server; where there is one. */
  interrupt?(): Promise<void>;
  close(): Promise<void>;
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** What every adapter of `EventLog` promises. */
export const describeEventLog = (name: string, open: () => Promise<EventLogUnderTest>): void => {
  describe(`event log: ${name}`, () => {
    let under: EventLogUnderTest;
    let log: EventLog;

    beforeEach(async () => {
      under = await open();
      log = under.log;
    });
    afterEach(() => under.close());

    describe('appending', () => {
      it('lets exactly one of 64 racers create a stream', async () => {
        const stream = newStream();
        const results = await Promise.all(
          Array.from({ length: 64 }, () =>
            log.append(stream, NO_COMMIT.revision, commitAfter(stream, NO_COMMIT)),
          ),
        );
        expect(results.filter(({ outcome }) => outcome === 'appended')).toHaveLength(1);
        expect(results.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(63);
        expect(await log.read(stream)).toHaveLength(1);
      });

      it('loses no update of writers who race for one stream', async () => {
        const stream = newStream();
        const writer = async (): Promise<void> => {
          for (let i = 0; i < 5; i += 1) await increment(log, stream);
        };
        await Promise.all([writer(), writer(), writer(), writer()]);
        const versions = (await log.read(stream)).map(({ commit }) => commit.to);
        expect(versions).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      });

      it('knows no conflict between streams', async () => {
        const streams = Array.from({ length: 16 }, newStream);
        const ends = await Promise.all(streams.map((stream) => appendMany(log, stream, 5)));
        expect(ends.map(({ version }) => version)).toEqual(streams.map(() => 5));
      });

      it('stores all events of a commit in their order', async () => {
        const stream = newStream();
        const events = [3, 1, 2].map((web) => scaled(stream, web));
        const commit = commitAfter(stream, NO_COMMIT, { events, reason: 'Äpfel "und"\nBirnen 🍐' });
        const result = await log.append(stream, NO_COMMIT.revision, commit);
        const [record] = await log.read(stream);
        expect(record?.commit).toEqual(commit);
        expect(record?.hash).toBe(sha256(encodeCommit(commit)));
        expect(result).toEqual({
          outcome: 'appended',
          position: record?.position,
          revision: record?.revision,
          hash: record?.hash,
        });
      });

      it('refuses a stale expectation and writes nothing', async () => {
        const stream = newStream();
        const first = await appendMany(log, stream, 1);
        await appendMany(log, stream, 1, first);
        const stale = commitAfter(stream, first);
        expect(await log.append(stream, first.revision, stale)).toEqual({ outcome: 'conflict' });
        expect(await log.read(stream)).toHaveLength(2);
      });

      it('refuses a commit above 900 KiB before it is sent', async () => {
        const stream = newStream();
        const commit = commitAfter(stream, NO_COMMIT, { reason: 'x'.repeat(900 * 1024) });
        await expect(log.append(stream, NO_COMMIT.revision, commit)).rejects.toThrow(
          CommitRefusedError,
        );
        expect(await log.head()).toBe(START);
      });

      it('stores a commit just below 900 KiB', async () => {
        const stream = newStream();
        const commit = commitAfter(stream, NO_COMMIT, { reason: 'x'.repeat(899 * 1024) });
        const result = await log.append(stream, NO_COMMIT.revision, commit);
        expect(result.outcome).toBe('appended');
        expect((await log.read(stream))[0]?.commit.reason).toHaveLength(899 * 1024);
      });

      it.each([
        ['an actor', { actor: { kind: 'user', id: 'u1', name: 'x'.repeat(65) } }],
        ['an origin', { origin: { tokenId: null, address: null, userAgent: 'x'.repeat(901) } }],
      ] as const)('refuses %s that it could not read back', async (_, change) => {
        const stream = newStream();
        await expect(
          log.append(stream, NO_COMMIT.revision, commitAfter(stream, NO_COMMIT, change)),
        ).rejects.toThrow(CommitRefusedError);
        expect(await log.head()).toBe(START);
      });

      it.each([
        'app.*',
        'app.>',
        'app.a.b',
        'app.',
        'app.a b',
        'app.a\n',
        `app.${'x'.repeat(65)}`,
        'x.y',
      ])('refuses %j as the name of a stream', async (name) => {
        const stream = name as StreamName;
        const commit = commitAfter(stream, NO_COMMIT);
        await expect(log.append(stream, NO_COMMIT.revision, commit)).rejects.toThrow(
          CommitRefusedError,
        );
        await expect(log.read(stream)).rejects.toThrow(CommitRefusedError);
        expect(await log.head()).toBe(START);
      });
    });

    describe('the same commit again', () => {
      it('answers with its first place, also when others followed', async () => {
        const stream = newStream();
        const commit = commitAfter(stream, NO_COMMIT);
        const first = await log.append(stream, NO_COMMIT.revision, commit);
        expect(await log.append(stream, NO_COMMIT.revision, commit)).toEqual(first);
        await increment(log, stream);
        expect(await log.append(stream, NO_COMMIT.revision, commit)).toEqual(first);
        expect(await log.read(stream)).toHaveLength(2);
      });

      it('answers with its first place when its id was forgotten meanwhile', async () => {
        const stream = newStream();
        const before = await appendMany(log, stream, 1);
        const commit = commitAfter(stream, before);
        const first = await log.append(stream, before.revision, commit);
        await under.forgetIds?.();
        expect(await log.append(stream, before.revision, commit)).toEqual(first);
        await increment(log, stream);
        await under.forgetIds?.();
        expect(await log.append(stream, before.revision, commit)).toEqual(first);
        expect(await log.read(stream)).toHaveLength(3);
      });

      it('answers with its first place after an interruption', async () => {
        const stream = newStream();
        const commit = commitAfter(stream, NO_COMMIT);
        const first = await log.append(stream, NO_COMMIT.revision, commit);
        await under.interrupt?.();
        expect(await log.append(stream, NO_COMMIT.revision, commit)).toEqual(first);
        expect(await log.read(stream)).toHaveLength(1);
      });

      it('is stored once when it is sent many times at once', async () => {
        const stream = newStream();
        const commit = commitAfter(stream, NO_COMMIT);
        const results = await Promise.all(
          Array.from({ length: 16 }, () => log.append(stream, NO_COMMIT.revision, commit)),
        );
        expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
        expect(results[0]?.outcome).toBe('appended');
        expect(await log.read(stream)).toHaveLength(1);
      });

      it('refuses its id with other bytes', async () => {
        const stream = newStream();
        const commit = commitAfter(stream, NO_COMMIT);
        await log.append(stream, NO_COMMIT.revision, commit);
        const other = { ...commit, reason: 'something else' };
        await expect(log.append(stream, NO_COMMIT.revision, other)).rejects.toThrow(
          CommitRefusedError,
        );
        await under.forgetIds?.();
        await expect(log.append(stream, NO_COMMIT.revision, other)).rejects.toThrow(
          CommitRefusedError,
        );
        expect(await log.read(stream)).toHaveLength(1);
      });
    });

    describe('reading', () => {
      it('finds nothing in an empty log', async () => {
        expect(await log.head()).toBe(START);
        expect(await log.read(newStream())).toEqual([]);
        expect(await log.readAfter(START, 10)).toEqual([]);
      });

      it('reads a stream of 1,500 commits whole, others between them', async () => {
        const [stream, other] = [newStream(), newStream()];
        let end = NO_COMMIT;
        for (let i = 0; i < 15; i += 1) {
          end = await appendMany(log, stream, 100, end);
          await increment(log, other);
        }
        const records = await log.read(stream);
        expect(records.map(({ commit }) => commit.to)).toEqual(
          Array.from({ length: 1_500 }, (_, i) => i + 1),
        );
        expect(await endOf(log, stream)).toEqual(end);
        expect(await log.readAfter(START, 10_000)).toHaveLength(1_515);
      });

      it('keeps the order of every stream in the order of the log, without holes', async () => {
        const streams = Array.from({ length: 4 }, newStream);
        await Promise.all(streams.map((stream) => appendMany(log, stream, 10)));
        const all = await log.readAfter(START, 100);
        const positions = all.map(({ position }) => position);
        expect(new Set(positions).size).toBe(40);
        expect(positions).toEqual(positions.toSorted(log.compare.bind(log)));
        if (under.isDense) {
          expect(positions).toEqual(Array.from({ length: 40 }, (_, i) => toPosition(i + 1)));
        }
        for (const stream of streams) {
          const versions = all.filter(({ commit }) => commit.stream === stream);
          expect(versions.map(({ commit }) => commit.to)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        }
        expect(await log.head()).toBe(all.at(-1)?.position);
      });

      it('goes on from every position', async () => {
        await appendMany(log, newStream(), 12);
        const all = await log.readAfter(START, 100);
        expect(all).toHaveLength(12);
        for (const [k, after] of [START, ...all.map(({ position }) => position)].entries()) {
          expect(await log.readAfter(after, 100)).toEqual(all.slice(k));
          expect(await log.readAfter(after, 3)).toEqual(all.slice(k, k + 3));
        }
      });

      it('goes on from what is no position of a commit', async () => {
        await appendMany(log, newStream(), 5);
        const all = await log.readAfter(START, 100);
        for (const [k, { position }] of all.entries()) {
          const before = positionBefore(position);
          expect(await log.readAfter(before, 100)).toEqual(all.slice(k));
          expect((await log.readStored(before, 1))[0]?.position).toBe(position);
          if (under.isDense) continue;
          const between = toPosition(BigInt(position) + 2n);
          expect(await log.readAfter(between, 100)).toEqual(all.slice(k + 1));
        }
        const beyond = toPosition(BigInt(await log.head()) + 1_000_000n);
        expect(await log.readAfter(beyond, 100)).toEqual([]);
      });

      it('gives what is stored as it lies there, byte for byte', async () => {
        const stream = newStream();
        await appendMany(log, stream, 12);
        const all = await log.readAfter(START, 100);
        const stored = await log.readStored(START, 100);
        expect(stored.map(({ bytes, ...rest }) => ({ ...rest, text: textOf(bytes) }))).toEqual(
          all.map(({ position, hash, commit }) => ({
            position,
            stream,
            id: commit.id,
            hash,
            text: textOf(encodeCommit(commit)),
          })),
        );
        const after = (k: number) => stored[k - 1]?.position ?? START;
        expect(await log.readStored(after(7), 3)).toEqual(stored.slice(7, 10));
        expect(await log.readStored(after(12), 3)).toEqual([]);
        const checkable = await log.readCheckable?.(after(7), 3);
        const texts = checkable?.map((one) => ({
          position: one.position,
          stream: one.stream,
          id: one.id,
          hash: one.hash,
          bytes: one.bytes,
        }));
        expect(texts ?? stored.slice(7, 10)).toEqual(stored.slice(7, 10));
        expect((await log.readCheckable?.(after(12), 3)) ?? []).toEqual([]);
        const bytes = (at: number, limit: number) =>
          log.readBytes?.(after(at), limit) ?? stored.slice(at, at + limit).map((one) => one.bytes);
        expect(await bytes(7, 3)).toEqual(stored.slice(7, 10).map((one) => one.bytes));
        expect(await bytes(10, 3)).toEqual(stored.slice(10).map((one) => one.bytes));
        expect(await bytes(12, 3)).toEqual([]);
      });

      it('reads its own append at once', async () => {
        const stream = newStream();
        for (let i = 1; i <= 50; i += 1) {
          await increment(log, stream);
          const end = (await log.read(stream)).at(-1);
          expect(end?.commit.to).toBe(i);
          expect(await log.head()).toBe(end?.position);
          if (under.isDense) expect(end?.position).toBe(toPosition(i));
        }
      });

      it('is probed without a trace', async () => {
        await appendMany(log, newStream(), 3);
        const head = await log.head();
        for (let i = 0; i < 3; i += 1) await log.probe();
        expect(await log.head()).toBe(head);
        expect(await log.readAfter(START, 10)).toHaveLength(3);
      });

      it('orders positions', () => {
        expect(log.compare(toPosition(2), toPosition(10))).toBeLessThan(0);
        expect(log.compare(toPosition(10), toPosition(2))).toBeGreaterThan(0);
        expect(log.compare(toPosition(2), toPosition(2))).toBe(0);
      });
    });

    describe('following', () => {
      it('delivers each commit once, in order, across interruptions, one call at a time', async () => {
        const stream = newStream();
        const seen: RecordedCommit[] = [];
        let running = 0;
        let reached = (): void => undefined;
        const until = (count: number): Promise<void> =>
          new Promise((resolve) => {
            reached = () => (seen.length >= count ? resolve() : undefined);
            reached();
          });
        const subscription = log.follow(START, async (batch) => {
          running += 1;
          expect(running).toBe(1);
          await Promise.resolve();
          seen.push(...batch);
          running -= 1;
          reached();
        });
        let end = await appendMany(log, stream, 20);
        await until(20);
        await under.interrupt?.();
        end = await appendMany(log, stream, 20, end);
        await until(40);
        await under.interrupt?.();
        await appendMany(log, stream, 20, end);
        await until(60);
        await subscription.stop();
        await increment(log, stream);
        expect(seen).toEqual((await log.readAfter(START, 60)).slice());
        expect(seen).toHaveLength(60);
        expect(await subscription.ended).toBeUndefined();
      });

      it('starts after the position it was given', async () => {
        await appendMany(log, newStream(), 5);
        const all = await log.readAfter(START, 5);
        const first = await new Promise<RecordedCommit | undefined>((resolve) => {
          const subscription = log.follow(all[2]?.position ?? START, (batch) => {
            resolve(batch[0]);
            void subscription.stop();
          });
        });
        expect(first).toEqual(all[3]);
      });

      it('ends with the error of its handler', async () => {
        await appendMany(log, newStream(), 1);
        const subscription = log.follow(START, () => {
          throw new Error('a fold that cannot go on');
        });
        expect((await subscription.ended)?.message).toBe('a fold that cannot go on');
      });
    });
  });
};
