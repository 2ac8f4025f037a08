import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isGoodStatus } from './status-codes.js';
import { FRESH, counted, successesNeeded } from './tally.js';

const good = { isReady: true, tookMs: 3 };
const refused = { isReady: false, tookMs: 3 };
const hung = { isReady: false, tookMs: 1_001 };

describe('answers in a row', () => {
  it('are counted until one of the other kind comes', () => {
    const every = { intervalMs: 500 };
    expect([good, good].reduce((tally, answer) => counted(tally, answer, every), FRESH)).toEqual({
      good: 2,
      bad: 0,
    });
    expect(
      [good, refused, refused].reduce((tally, answer) => counted(tally, answer, every), FRESH),
    ).toEqual({ good: 0, bad: 2 });
  });
  it('that were waited for through several intervals count as often', () => {
    expect(counted(FRESH, hung, { intervalMs: 500 }).bad).toBe(2);
    expect(counted(FRESH, hung, { intervalMs: 10_000 }).bad).toBe(1);
  });
});

describe('what an unready instance needs to be taken back', () => {
  const check = { successes: 2, intervalMs: 500 };
  it('doubles with each time, up to a minute', () => {
    expect([0, 1, 2, 3].map((times) => successesNeeded(check, times))).toEqual([2, 2, 4, 8]);
    expect(successesNeeded(check, 50)).toBe(120);
  });
  it('is never less than was asked for, and never more than a minute or that', () => {
    const checks = fc.record({
      successes: fc.integer({ min: 1, max: 100 }),
      intervalMs: fc.integer({ min: 100, max: 300_000 }),
    });
    fc.assert(
      fc.property(checks, fc.nat(10_000), (one, times) => {
        const needed = successesNeeded(one, times);
        expect(needed).toBeGreaterThanOrEqual(one.successes);
        const most = Math.max(one.successes * one.intervalMs, 60_000 + one.intervalMs);
        expect(needed * one.intervalMs).toBeLessThanOrEqual(most);
      }),
    );
  });
});

describe('status codes', () => {
  it('are good in their ranges', () => {
    expect([200, 302, 399, 400, 503].map((code) => isGoodStatus('200-399', code))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect([204, 205, 418].map((code) => isGoodStatus('204,418', code))).toEqual([
      true,
      false,
      true,
    ]);
  });
});
