import { toSequence, toPosition } from '@shiplog/events';
import type { StoredCommit } from '@shiplog/events/log';
import { beforeAll, describe, expect, it } from 'vitest';
import { chainOf } from './chain.js';
import { seal, sealedLine, parseSealedLine, type Sealed } from './checkpoint.js';
import { newSigningKey, signingKeyOf } from './signing-key.js';
import { damageOf, DEEDS, recordCommits, sealAll } from './testing/index.js';
import { LogVerification, type Evidence, type Verification, type Witness } from './verification.js';

const verify = (
  commits: readonly StoredCommit[],
  evidence: Partial<Evidence> = {},
): Verification => {
  const verification = new LogVerification({ witnesses: [], isDense: true, ...evidence });
  for (const commit of commits) verification.add(commit);
  return verification.finish();
};
const witness = (name: string, isOwn: boolean, sealed: readonly Sealed[]): Witness => ({
  name,
  isOwn,
  chain: chainOf(sealed),
});
const at = (n: number): string => toSequence(toPosition(n), 0);

let log: readonly StoredCommit[];
beforeAll(async () => {
  log = await recordCommits(120);
});

describe('a log that nobody witnessed', () => {
  it('still shows a flipped bit, a gap and a break in an aggregate', () => {
    for (const [deed, kind] of [
      [0, 'altered'],
      [4, 'missing'],
      [6, 'inserted'],
    ] as const) {
      const damage = damageOf(DEEDS, deed, log, 100);
      expect(verify(damage.log).firstBad, damage.what).toMatchObject({
        sequence: at(damage.at + 1),
        kind,
      });
    }
  });

  it('names the commit that was changed and hashed anew, by the one after it', () => {
    const damage = damageOf(DEEDS, 1, log, 20);
    expect(verify(damage.log).firstBad).toEqual({
      sequence: at(damage.at + 1),
      kind: 'altered',
      detail: expect.stringContaining('the next commit names') as string,
    });
  });

  it('says reordered where the earlier commit of an aggregate comes later', () => {
    const [first] = log;
    const same = log.filter(({ stream }) => stream === first?.stream).slice(0, 3);
    const [a, b, c] = same.map((commit, i) => ({ ...commit, position: toPosition(i + 1) }));
    if (a === undefined || b === undefined || c === undefined) throw new Error('too few commits');
    const swapped = [{ ...b, position: a.position }, { ...a, position: b.position }, c];
    expect(verify(swapped).firstBad).toMatchObject({ sequence: at(1), kind: 'reordered' });
  });

  it('hides a cut tail, unless the read models have seen more', () => {
    const cut = log.slice(0, 100);
    const last = log.at(-1);
    expect(verify(cut).ok).toBe(true);
    const memories = [
      { name: 'the read models', position: last?.position ?? '', hash: last?.hash ?? '' },
    ];
    expect(verify(cut, { memories }).firstBad).toMatchObject({
      sequence: at(101),
      kind: 'truncated',
    });
    expect(verify(log, { memories }).ok).toBe(true);
  });
});

describe('a log without checkpoints', () => {
  const empty = { name: 'own', isOwn: true, chain: chainOf([]) };

  it('raises no alarm as long as nobody knows the key, as before the first is cut', () => {
    expect(verify(log, { witnesses: [empty] })).toMatchObject({
      ok: true,
      witnesses: [{ state: 'empty', problem: null }],
    });
  });

  it('is not the log of a key that is known: somebody made it anew', () => {
    const { sealed, firstKey } = sealAll(log);
    expect(verify(log, { witnesses: [empty], isPinned: true })).toMatchObject({
      ok: false,
      firstBad: null,
      witnesses: [{ state: 'damaged', problem: expect.stringContaining('pinned') as string }],
    });
    expect(verify(log, { isPinned: true }).ok).toBe(false);
    expect(verify([], { witnesses: [empty], isPinned: true }).ok).toBe(false);
    const signed = { name: 'elsewhere', isOwn: false, chain: chainOf(sealed, firstKey) };
    expect(verify(log, { witnesses: [empty, signed], isPinned: true })).toMatchObject({
      ok: true,
      witnesses: [{ state: 'empty' }, { state: 'agrees' }],
    });
  });

  it('is not sound where a witness cannot say what it should', () => {
    const { sealed } = sealAll(log);
    const witnesses = [
      witness('own', true, sealed),
      { ...witness('elsewhere', false, []), problem: 'it is empty' },
    ];
    expect(verify(log, { witnesses })).toMatchObject({
      ok: false,
      witnesses: [{ state: 'agrees' }, { state: 'damaged', problem: 'it is empty' }],
    });
  });
});

describe('an older copy put back', () => {
  it('is rolled back where only a witness outside knows more, truncated where the own ones do', () => {
    const { sealed } = sealAll(log);
    const half = sealed.slice(0, 5);
    const older = log.slice(0, half.at(-1)?.checkpoint.total);
    const next = at(older.length + 1);
    const outside = witness('elsewhere', false, sealed);
    expect(
      verify(older, { witnesses: [witness('own', true, half), outside] }).firstBad,
    ).toMatchObject({ sequence: next, kind: 'rolled back' });
    expect(
      verify(older, { witnesses: [witness('own', true, sealed), outside] }).firstBad,
    ).toMatchObject({ sequence: next, kind: 'truncated' });
  });

  it('and gone on from is forked, though signed with the right key', async () => {
    const { key } = newSigningKey();
    const cut = { platform: 'shiplog', key, now: '2026-01-01T00:00:00.000Z' };
    const first = seal(undefined, log.slice(0, 50), cut);
    const truth = [first, seal(first.checkpoint, log.slice(50), cut)];
    const others = (await recordCommits(30, 7)).map((commit, i) => ({
      ...commit,
      position: toPosition(51 + i),
    }));
    const lie = [first, seal(first.checkpoint, others, cut)];
    const result = verify([...log.slice(0, 50), ...others], {
      witnesses: [witness('own', true, lie), witness('elsewhere', false, truth)],
    });
    expect(result.firstBad).toMatchObject({ sequence: at(51), kind: 'forked' });
    expect(result.witnesses.map(({ state }) => state)).toEqual(['contradicts', 'contradicts']);
  });

  it('may be gone on from by an operator, for all to see', () => {
    const { key } = newSigningKey();
    const cut = { platform: 'shiplog', key, now: '2026-01-01T00:00:00.000Z' };
    const first = seal(undefined, log, cut);
    const kept = log[79];
    const reset = { total: 80, last: kept?.hash ?? null, to: kept?.position ?? '' };
    const second = seal(first.checkpoint, [], cut, { reset });
    const result = verify(log.slice(0, 80), { witnesses: [witness('own', true, [first, second])] });
    expect(result).toMatchObject({ ok: true, resets: [{ checkpoint: 2, commits: 80 }] });
    expect(
      verify(log.slice(0, 79), { witnesses: [witness('own', true, [first, second])] }).ok,
    ).toBe(false);
  });
});

describe('a log copied to where positions have gaps', () => {
  it('is vouched for by the checkpoints of before', () => {
    const { sealed } = sealAll(log);
    const copied = log.map((commit, i) => ({ ...commit, position: toPosition(1000 + 37 * i) }));
    const evidence = { isDense: false, witnesses: [witness('own', true, sealed)] };
    expect(verify(copied, evidence)).toMatchObject({ ok: true, checked: 120 });
    const without = copied.filter((_, i) => i !== 40);
    expect(verify(without, evidence).firstBad).toMatchObject({ kind: 'missing' });
  });
});

describe('a chain of checkpoints', () => {
  it.each([
    ['a count', (text: string) => text.replace('"total":', '"total":1')],
    ['a leaf', (text: string) => text.replace(/"leaves":"../, '"leaves":"00')],
    ['the signature', (text: string) => text.replace(/"signature":".../, '"signature":"AAA')],
    ['the time', (text: string) => text.replace(/"time":"20/, '"time":"19')],
  ])('ends before one of which %s was changed', (_, change) => {
    const { sealed } = sealAll(log, { seed: 3 });
    const lines = sealed.map(sealedLine);
    const damaged = lines.map((line, i) => parseSealedLine(i === 4 ? change(line) : line));
    const chain = chainOf(damaged.filter((one) => one !== undefined));
    expect(chain.hashes).toHaveLength(4);
    expect(chain.problem).toContain('checkpoint 5');
    const result = verify(log, { witnesses: [{ name: 'own', isOwn: true, chain }] });
    expect(result).toMatchObject({ ok: false, firstBad: null });
  });

  it('is the same when lines come twice, out of order or cut off', () => {
    const { sealed } = sealAll(log);
    const chain = chainOf([...sealed.toReversed(), ...sealed]);
    expect(chain.problem).toBeUndefined();
    expect(chain.newest?.total).toBe(120);
    expect(parseSealedLine(sealedLine(sealed[0] as Sealed).slice(0, -9))).toBeUndefined();
  });

  it('is not continued by a key that the one before did not name', () => {
    const { sealed } = sealAll(log);
    const cut = { platform: 'shiplog', key: newSigningKey().key, now: '2026-01-01T00:00:00.000Z' };
    const forged = seal(sealed.at(-1)?.checkpoint, [], cut);
    expect(chainOf([...sealed, forged]).problem).toContain('another key');
  });

  it('shows that two were made of one number', () => {
    const { key } = newSigningKey();
    const cut = { platform: 'shiplog', key, now: '2026-01-01T00:00:00.000Z' };
    const two = [seal(undefined, log.slice(0, 3), cut), seal(undefined, log.slice(0, 4), cut)];
    expect(chainOf(two).problem).toContain('two checkpoints 1');
  });
});

describe('a signing key', () => {
  it('signs the same after it was written down', () => {
    const { key, pem } = newSigningKey();
    expect(signingKeyOf(pem).publicKey).toBe(key.publicKey);
    expect(signingKeyOf(pem).sign('x')).toBe(key.sign('x'));
    expect(() => signingKeyOf('nothing')).toThrow();
  });
});
