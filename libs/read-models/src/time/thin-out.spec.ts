import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { thinOut } from './thin-out.js';

const even = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ commits: (i + 1) * 50_000, bytes: 100 }));

describe('thinning snapshots out', () => {
  it('gives nothing up while all fit', () => {
    expect(thinOut(even(10), 1_000)).toEqual([]);
  });

  it('keeps the new past dense and the old one sparse', () => {
    const gone = new Set(thinOut(even(40), 1_200));
    const kept = even(40).filter(({ commits }) => ![...gone].some((g) => g.commits === commits));
    expect(kept).toHaveLength(12);
    expect(kept.slice(-2).map(({ commits }) => commits)).toEqual([1_950_000, 2_000_000]);
    const half = kept.filter(({ commits }) => commits > 1_000_000).length;
    expect(half).toBeGreaterThan(kept.length / 2);
    expect(kept.some(({ commits }) => commits <= 1_000_000)).toBe(true);
  });

  it('fits, gives up no more than it must, and never the newest', () => {
    const snapshots = fc.uniqueArray(
      fc.record({
        commits: fc.integer({ min: 1, max: 1e7 }),
        bytes: fc.integer({ min: 1, max: 500 }),
      }),
      { selector: ({ commits }) => commits, minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(snapshots, fc.integer({ min: 1, max: 5_000 }), (all, bytesMax) => {
        const gone = thinOut(all, bytesMax);
        const kept = all.filter((one) => !gone.includes(one));
        const bytes = kept.reduce((sum, one) => sum + one.bytes, 0);
        expect(kept).toContain(all.toSorted((a, b) => b.commits - a.commits)[0]);
        expect(bytes <= bytesMax || kept.length === 1).toBe(true);
        const last = gone.at(-1);
        if (last !== undefined) expect(bytes + last.bytes).toBeGreaterThan(bytesMax);
      }),
    );
  });
});
