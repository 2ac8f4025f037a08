import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextPlace, SNAPSHOT_EVERY } from './places.js';

const placesUpTo = (commits: number): number[] => {
  const places: number[] = [];
  for (let at = nextPlace(0); at <= commits; at = nextPlace(at)) places.push(at);
  return places;
};

describe('the places of snapshots', () => {
  it('are every 50,000 commits, as far as a look has to take no longer than seconds', () => {
    expect(placesUpTo(1_000_000)).toEqual(Array.from({ length: 20 }, (_, i) => (i + 1) * 50_000));
  });

  it('are so many more whenever a log doubles, and never further apart than a sixteenth of it', () => {
    const counts = [2e6, 4e6, 8e6, 16e6].map((commits) => placesUpTo(commits).length);
    expect(counts.slice(1).map((count, i) => count - (counts[i] ?? 0))).toEqual([16, 16, 16]);
    const places = placesUpTo(20e6);
    for (const [i, place] of places.entries()) {
      const gap = place - (places[i - 1] ?? 0);
      expect(gap).toBeLessThanOrEqual(Math.max(SNAPSHOT_EVERY, place / 16));
    }
  });

  it('are the same wherever it is begun', () => {
    const places = placesUpTo(2e7);
    fc.assert(
      fc.property(fc.nat(19_000_000), (from) => {
        expect(nextPlace(from)).toBe(places.find((place) => place > from));
      }),
    );
  });
});
