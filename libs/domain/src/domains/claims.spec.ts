import { describe, expect, it } from 'vitest';
import { challengeName, conflictsWith } from './conflicts.js';
import { isProven, proofStep, type DomainProof } from './proof.js';

describe('domains of other teams', () => {
  const held = (host: string, teamId = 'theirs') => [{ host, appId: 'a1', teamId }];
  it.each([
    ['example.com', 'example.com'],
    ['example.com/api', 'example.com'],
    ['example.com', 'example.com/api'],
    ['example.com/a', 'example.com/b'],
    ['*.example.com', 'www.example.com'],
    ['a.b.example.com/x', '*.example.com'],
    ['*.example.com', '*.a.example.com'],
    ['*.a.example.com', '*.example.com'],
    ['*.example.com', '*.example.com/x'],
  ])('%s is in conflict with %s, and not within a team', (wanted, theirs) => {
    expect(conflictsWith(wanted, 'ours', held(theirs))).toEqual(held(theirs));
    expect(conflictsWith(wanted, 'ours', held(theirs, 'ours'))).toEqual([]);
  });

  it.each([
    ['www.example.com', 'example.com'],
    ['*.example.com', 'example.com'],
    ['example.com', '*.example.com'],
    ['notexample.com', '*.example.com'],
    ['*.example.com', 'notexample.com'],
  ])('%s is in no conflict with %s', (wanted, theirs) => {
    expect(conflictsWith(wanted, 'ours', held(theirs))).toEqual([]);
  });

  it('are proven at their host, or at what their wildcard stands above', () => {
    expect(challengeName('example.com/api')).toBe('_shiplog-challenge.example.com');
    expect(challengeName('*.example.com')).toBe('_shiplog-challenge.example.com');
  });
});

describe('a proof that is demanded', () => {
  const MINUTE = 60_000;
  const start = Date.parse('2026-11-26T10:00:00.000Z');
  const iso = (minutes: number) => new Date(start + minutes * MINUTE).toISOString();
  const proof = (lookedAfter: number | null, status: DomainProof['status'] = 'failed') => ({
    proof: {
      status,
      since: iso(0),
      until: iso(7 * 24 * 60),
      lastLook:
        lookedAfter === null
          ? null
          : ({ outcome: 'failed', reason: 'no', at: iso(lookedAfter) } as const),
    },
  });
  const stepAt = (minutes: number, of: { proof: DomainProof | null }) =>
    proofStep(of, start + minutes * MINUTE);

  it('is looked for ever more rarely, and given up at its end', () => {
    expect(stepAt(0.5, proof(null, 'pending'))).toBe('wait');
    expect(stepAt(1, proof(null, 'pending'))).toBe('look');
    expect(stepAt(19, proof(10))).toBe('wait');
    expect(stepAt(20, proof(10))).toBe('look');
    expect(stepAt(2_000 + 359, proof(2_000))).toBe('wait');
    expect(stepAt(2_000 + 360, proof(2_000))).toBe('look');
    expect(stepAt(7 * 24 * 60, proof(2_000))).toBe('lapse');
  });

  it('is over once it was found, and where there is none', () => {
    expect(stepAt(8 * 24 * 60, proof(1, 'verified'))).toBe('wait');
    expect(stepAt(8 * 24 * 60, { proof: null })).toBe('wait');
    const routed = [proof(1, 'verified'), { proof: null }, proof(1), proof(null, 'pending')];
    expect(routed.map(isProven)).toEqual([true, true, false, false]);
  });
});
