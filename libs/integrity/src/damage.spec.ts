import { toSequence } from '@shiplog/events';
import type { StoredCommit } from '@shiplog/events/log';
import { asReceived } from '@shiplog/events/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { chainOf } from './chain.js';
import type { Sealed } from './checkpoint.js';
import { damageOf, DEEDS_IN_PLACE, randomOf, recordCommits, sealAll } from './testing/index.js';
import { LogVerification, type Evidence, type Verification, type Witness } from './verification.js';

const verify = (
  log: readonly StoredCommit[],
  sealed: readonly Sealed[],
  witness: Partial<Witness> = {},
  more: Partial<Evidence> = {},
): Verification => {
  const own = { name: 'the file', isOwn: true, chain: chainOf(sealed), ...witness };
  const verification = new LogVerification({ witnesses: [own], isDense: true, ...more });
  for (const commit of log) verification.add(commit);
  return verification.finish();
};

/** The witness has seen all but the newest commits, as between two checkpoints. */
const WITNESSED = 150;
let log: readonly StoredCommit[];
let sealed: readonly Sealed[];
beforeAll(async () => {
  log = await recordCommits(165);
  ({ sealed } = sealAll(log.slice(0, WITNESSED)));
});

describe('200 random damages, where a witness survived', () => {
  it.each(Array.from({ length: 200 }, (_, n) => n))('number %i is found and named', (n) => {
    const damage = damageOf(DEEDS_IN_PLACE, n, log, WITNESSED);
    const { ok, firstBad } = verify(damage.log, sealed);
    expect({ ok, sequence: firstBad?.sequence }, damage.what).toEqual({
      ok: false,
      sequence: toSequence((damage.at + 1).toString().padStart(20, '0'), 0),
    });
    expect(damage.kinds, `${damage.what}: ${firstBad?.detail}`).toContain(firstBad?.kind);
    // Where most commits take the short way, the same is found.
    const received = damage.log.map((commit) => asReceived(commit));
    expect(verify(received, sealed), damage.what).toEqual(verify(damage.log, sealed));
  });
});

describe('200 untouched logs', () => {
  it('raise no alarm, however many checkpoints, empty ones and keys there were', async () => {
    const alarms: Verification[] = [];
    for (let n = 1; n <= 200; n += 1) {
      const random = randomOf(n);
      const own = await recordCommits(1 + random(30), n);
      const upTo = random(own.length + 1);
      const made = sealAll(own.slice(0, upTo), { every: 1 + random(9), seed: n });
      const result = verify(own, made.sealed, { chain: chainOf(made.sealed, made.firstKey) });
      if (!result.ok || result.checked !== own.length) alarms.push(result);
      const received = own.map((commit) => asReceived(commit));
      expect(verify(received, made.sealed)).toEqual(verify(own, made.sealed));
      if (made.sealed.length === 0) continue;
      const pinned = verify(
        own,
        made.sealed,
        { chain: chainOf(made.sealed, made.firstKey) },
        { isPinned: true },
      );
      if (!pinned.ok) alarms.push(pinned);
    }
    expect(alarms).toEqual([]);
  }, 60_000);
});

describe('a commit that is as all witnesses swear', () => {
  it('is taken by its bytes alone', () => {
    const asked: string[] = [];
    const received = log.map((commit) => {
      const one = asReceived(commit);
      const position = () => (asked.push(commit.position), commit.position);
      return Object.defineProperty(one, 'position', { get: position });
    });
    expect(verify(received, sealed)).toMatchObject({ ok: true, checked: log.length });
    const unsworn = log.slice(WITNESSED).map(({ position }) => position);
    expect(asked.filter((one) => !unsworn.includes(one))).toEqual([]);
  });
});
