import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deciderOf, type AuditCommand } from '@shiplog/domain';
import { encodeCommit } from '@shiplog/events/log';
import { commitAfter, NO_COMMIT } from '@shiplog/events/testing';
import {
  OPERATIONS_OF_PERSON_MAX,
  READS_OF_PERSON_MAX,
  REFUSALS_PER_DAY,
  REFUSALS_PER_DAY_EACH,
} from './audit-book.js';
import type { SeenOperation, SeenReading, SeenRefusal } from './audit-page.js';
import { AuditRecorder } from './audit-recorder.js';
import type { Persons } from './persons.js';

const ann = { kind: 'user', id: 'u1', name: 'ann' } as const;
const from = { tokenId: 'tok1', address: '192.0.2.7', userAgent: 'shiplog/1' };
const refusedScale: SeenRefusal = {
  outcome: 'rejected',
  code: 'process-type-unknown',
  command: 'scaleApp',
  appId: 'a1',
  target: 'shop',
  actor: ann,
  reason: 'more',
  from,
};
const stranger = (n: number): SeenRefusal => ({
  outcome: 'denied',
  code: 'token-unknown',
  command: null,
  appId: null,
  target: null,
  actor: null,
  reason: null,
  from: { tokenId: null, address: `192.0.2.${n}`, userAgent: null },
});
const reading = (appId: string, ...keys: string[]): SeenReading => ({
  appId,
  keys,
  actor: ann,
  from,
});

interface Written {
  readonly atMs: number;
  readonly day: string;
  readonly command: AuditCommand;
}
let written: Written[];
let isDown: boolean;
let recorder: AuditRecorder;
let shredded: string[];

/** As the log does before it writes: throws for what is too large or not as its schema says. */
const encoded = (day: string, command: AuditCommand): Uint8Array => {
  const decision = deciderOf('audit').decide(command, { status: 'known' });
  if (decision.outcome === 'rejected') throw new Error('rejected');
  return encodeCommit(commitAfter(`audit.${day}`, NO_COMMIT, { events: decision.events }));
};
const sealed = (text: string | null): string | null =>
  text === null
    ? null
    : `enc1.${'i'.repeat(16)}.${'t'.repeat(22)}.${Buffer.from(text).toString('base64url')}`;

const newRecorder = (): AuditRecorder =>
  new AuditRecorder({
    context: {
      actor: { kind: 'process', id: 'api', name: 'api' },
      logger: { warn: () => undefined } as never,
      commands: {
        handle: async (_aggregate: string, day: string, command: AuditCommand) => {
          await Promise.resolve();
          if (isDown) throw new Error('the log is down');
          encoded(day, command);
          written.push({ atMs: Date.now(), day, command });
          return { outcome: 'accepted' };
        },
      } as never,
    },
    persons: {
      seal: (_: unknown, plain: typeof from) =>
        Promise.resolve({
          ...plain,
          address: sealed(plain.address),
          userAgent: sealed(plain.userAgent),
        }),
      eraseStrangers: (day: string) => Promise.resolve(void shredded.push(day)),
    } as unknown as Persons,
  });

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-25T10:00:00Z') });
  written = [];
  shredded = [];
  isDown = false;
  recorder = newRecorder();
});
afterEach(async () => {
  const stopped = recorder.stop();
  await vi.runOnlyPendingTimersAsync();
  await stopped;
  vi.useRealTimers();
});

/** Everything that was refused or read, listed or only counted. */
const counted = (): number =>
  written
    .flatMap(({ command }) => [
      ...[...command.refusals, ...command.reads, ...command.operations].map(({ count }) => count),
      command.refusalsUnlisted,
      command.readsUnlisted,
      command.operationsUnlisted,
    ])
    .reduce((sum, n) => sum + n, 0);

describe('what changed nothing', () => {
  it('is written a moment later, the same thing once with how often', async () => {
    for (let i = 0; i < 3; i += 1) recorder.refused(refusedScale);
    expect(written).toEqual([]);
    await vi.advanceTimersByTimeAsync(300);
    const { from: _from, ...seen } = refusedScale;
    expect(written).toMatchObject([
      { day: '2026-11-25', command: { refusals: [{ ...seen, count: 3 }], reads: [] } },
    ]);
    expect(JSON.stringify(written)).not.toContain('192.0.2.7');
  });

  it('tells which keys somebody read, one entry for what they read together', async () => {
    recorder.read(reading('a1', 'A', 'B'));
    recorder.read(reading('a1', 'C'));
    recorder.read(reading('a2', 'A'));
    recorder.read(reading('a3'));
    await vi.advanceTimersByTimeAsync(300);
    expect(written[0]?.command.reads).toMatchObject([
      { appId: 'a1', keys: ['A', 'B', 'C'], keysUnlisted: 0, count: 2 },
      { appId: 'a2', keys: ['A'], count: 1 },
    ]);
  });

  it('tells who had what done and why, and counts what no commit has room for', async () => {
    const exec = {
      operation: 'exec',
      appId: 'a1',
      target: 'i1',
      actor: ann,
      reason: 'slow',
    } as const;
    for (let i = 0; i < 3; i += 1) recorder.performed({ ...exec, from });
    await vi.advanceTimersByTimeAsync(300);
    expect(written[0]?.command.operations).toMatchObject([
      { ...exec, count: 3, origin: { address: sealed(from.address) } },
    ]);
    for (let i = 0; i < 700; i += 1) recorder.performed({ ...exec, target: `i${i}`, from });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(counted()).toBe(703);
    expect(written.flatMap(({ command }) => command.operations)).toHaveLength(
      1 + OPERATIONS_OF_PERSON_MAX,
    );
  });

  it('is one thing whatever program somebody says they use', async () => {
    const exec = { operation: 'exec', appId: 'a1', target: 'i1', actor: ann, reason: null };
    for (let i = 0; i < 1_000; i += 1) {
      const varied = { ...from, userAgent: `agent ${i}` };
      recorder.refused({ ...refusedScale, from: varied });
      recorder.read({ ...reading('a1', 'A'), from: varied });
      recorder.performed({ ...exec, from: varied });
    }
    await vi.advanceTimersByTimeAsync(300);
    expect(written).toMatchObject([
      {
        command: {
          refusals: [{ count: 1_000, origin: { userAgent: sealed('agent 0') } }],
          reads: [{ count: 1_000 }],
          operations: [{ count: 1_000 }],
        },
      },
    ]);
    expect(counted()).toBe(3_000);
  });

  it('is listed of everybody, however much somebody else has read and done', async () => {
    const exec = { operation: 'exec', appId: 'a1', actor: ann, reason: null, from };
    const bob = { ...ann, id: 'u2' };
    for (let i = 0; i < 1_000; i += 1) {
      recorder.read(reading(`a${i}`, 'A'));
      recorder.performed({ ...exec, target: `i${i}` });
    }
    recorder.read({ ...reading('a1', 'A'), actor: bob });
    recorder.performed({ ...exec, target: 'i1', actor: bob });
    await vi.advanceTimersByTimeAsync(600_000);
    const listed = (entries: readonly { readonly actor: { readonly id: string } }[]) => ({
      ann: entries.filter(({ actor }) => actor.id === ann.id).length,
      bob: entries.filter(({ actor }) => actor.id === bob.id).length,
    });
    expect(listed(written.flatMap(({ command }) => command.reads))).toEqual({
      ann: READS_OF_PERSON_MAX,
      bob: 1,
    });
    expect(listed(written.flatMap(({ command }) => command.operations))).toEqual({
      ann: OPERATIONS_OF_PERSON_MAX,
      bob: 1,
    });
    expect(counted()).toBe(2_002);
  });

  it('is kept while the log is down, and written once when it is back', async () => {
    isDown = true;
    recorder.refused(refusedScale);
    await vi.advanceTimersByTimeAsync(30_000);
    recorder.refused(stranger(1));
    expect(written).toEqual([]);
    isDown = false;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(counted()).toBe(2);
  });

  it('is written when the api stops', async () => {
    recorder.refused(refusedScale);
    recorder.read(reading('a1', 'A'));
    await recorder.stop();
    expect(counted()).toBe(2);
  });

  it('cannot fill the log: whatever comes, commits, entries and bytes are bounded and nothing goes uncounted', async () => {
    const arrival = fc.record({
      pauseMs: fc.integer({ min: 0, max: 4_000 }),
      count: fc.integer({ min: 1, max: 300 }),
      seen: fc.oneof(
        fc.integer({ min: 0, max: 255 }).map(stranger),
        fc
          .record({ target: fc.string({ maxLength: 80 }), who: fc.integer({ max: 9, min: 0 }) })
          .map(({ target, who }): SeenRefusal => ({
            ...refusedScale,
            target,
            reason: '🚢'.repeat(500),
            actor: { ...ann, id: `u${who}` },
          })),
      ),
      key: fc.string({ maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(arrival, { minLength: 20, maxLength: 120 }), async (arrivals) => {
        written = [];
        recorder = newRecorder();
        let sent = 0;
        for (const { pauseMs, count, seen, key } of arrivals) {
          for (let i = 0; i < count; i += 1) {
            recorder.refused(i % 2 === 0 ? seen : { ...seen, code: `${key}${i}` });
          }
          recorder.read(reading(`a${key.length}`, 'KEY'));
          sent += count + 1;
          await vi.advanceTimersByTimeAsync(pauseMs);
        }
        await recorder.stop();
        expect(counted()).toBe(sent);
        for (const { atMs, command } of written) {
          expect(command.refusals.length).toBeLessThanOrEqual(50);
          expect(command.reads.length).toBeLessThanOrEqual(50);
          const inMinute = written.filter((w) => w.atMs >= atMs && w.atMs < atMs + 60_000);
          // The last ones are of the stop.
          expect(inMinute.length).toBeLessThanOrEqual(16 + 2);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('is only counted when it was too much for one day', async () => {
    for (let i = 0; i < REFUSALS_PER_DAY / 20 + 10; i += 1) {
      const actor = { ...ann, id: `u${i % 20}` };
      for (let n = 0; n < 20; n += 1) {
        recorder.refused({ ...refusedScale, actor, target: `${i} ${n}` });
      }
      await vi.advanceTimersByTimeAsync(11_000);
    }
    const entries = written.flatMap(({ command }) => command.refusals);
    expect(entries).toHaveLength(REFUSALS_PER_DAY);
    expect(counted()).toBe(REFUSALS_PER_DAY + 200);
    await vi.advanceTimersByTimeAsync(24 * 60 * 60_000);
    recorder.refused(refusedScale);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(written.at(-1)?.command.refusals).toHaveLength(1);
  });

  it('is listed of everybody, however many refusals somebody else or strangers have had today', async () => {
    const listed = (id: string | undefined): number =>
      written.flatMap(({ command }) => command.refusals).filter(({ actor }) => actor?.id === id)
        .length;
    for (let i = 0; i < 300; i += 1) {
      for (let n = 0; n < 10; n += 1) {
        recorder.refused({ ...stranger(n), code: `${i}` });
        recorder.refused({ ...refusedScale, target: `${i} ${n}` });
      }
      await vi.advanceTimersByTimeAsync(11_000);
    }
    expect([listed(undefined), listed('u1')]).toEqual([
      REFUSALS_PER_DAY_EACH,
      REFUSALS_PER_DAY_EACH,
    ]);
    recorder.refused({ ...refusedScale, actor: { ...ann, id: 'u2' } });
    await vi.advanceTimersByTimeAsync(11_000);
    expect(listed('u2')).toBe(1);
    expect(counted()).toBe(6_001);
  });

  it('forgets after thirty days from where strangers called', async () => {
    await vi.advanceTimersByTimeAsync(1);
    expect(shredded[0]).toBe('2026-10-26');
    expect(shredded).toHaveLength(400);
    await vi.advanceTimersByTimeAsync(25 * 60 * 60_000);
    expect(shredded.at(-1)).toBe('2026-10-27');
    expect(shredded).toHaveLength(401);
  });

  it('fits commits, even if everything in it is as long as it may be, and nothing of it goes unlisted', async () => {
    // Characters as a header has them and as a reason has them: of two and of four bytes.
    const long = { tokenId: 't'.repeat(64), address: 'x'.repeat(64), userAgent: 'ÿ'.repeat(300) };
    const longActor = { kind: 'user', name: '🚢'.repeat(64) } as const;
    const target = '🚢'.repeat(128);
    const reason = '🚢'.repeat(500);
    const actorOf = (n: number) => ({ ...longActor, id: `u${n}`.padEnd(64, '_') });
    const appOf = (n: number): string => `a${n}`.padEnd(64, '_');
    const keys = Array.from({ length: 101 }, (_, i) => `K${i}`.padEnd(128, '_'));
    const word = 'c'.repeat(64);
    for (let n = 0; n < 50; n += 1) {
      const actor = actorOf(n);
      const what = { appId: appOf(n), target, actor, reason, from: long };
      recorder.refused({ outcome: 'rejected', code: word, command: word, ...what });
      recorder.read({ appId: appOf(n), keys, actor, from: long });
      if (n < 10) recorder.performed({ operation: word, ...what } satisfies SeenOperation);
    }
    await vi.advanceTimersByTimeAsync(5_000);
    expect(written.length).toBeGreaterThan(1);
    expect(written.flatMap(({ command }) => command.refusals)).toHaveLength(50);
    expect(written.flatMap(({ command }) => command.reads)).toHaveLength(50);
    expect(written.flatMap(({ command }) => command.operations)).toHaveLength(10);
    expect(counted()).toBe(110);
  });

  it('is only counted where the log refuses what would tell of it, and holds up nothing', async () => {
    recorder.refused({ ...refusedScale, code: 'c'.repeat(65) });
    recorder.refused({ ...refusedScale, code: 'c'.repeat(65) });
    recorder.read(reading('a1', 'not a key'));
    await vi.advanceTimersByTimeAsync(300);
    expect(written).toMatchObject([
      { command: { refusals: [], refusalsUnlisted: 2, reads: [], readsUnlisted: 1 } },
    ]);
    recorder.refused(refusedScale);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(written[1]?.command).toMatchObject({ refusals: [{ count: 1 }], refusalsUnlisted: 0 });
  });
});
