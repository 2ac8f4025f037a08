import { describe, expect, it } from 'vitest';
import { live } from '../testing/seeded/live.js';
import { PLANTED_BUGS } from '../testing/seeded/mistakes.js';

/** Lives in which one of the mistakes has to show. CI lives ten times as many without any. */
const SEEDS_MAX = 200;

describe('a deployer made with a mistake', () => {
  it.each(PLANTED_BUGS)(
    'that $name breaks "$property", and a seed finds it',
    { timeout: 120_000 },
    async ({ property, plant }) => {
      for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
        const found = (await live(seed, plant)).violations[0];
        if (found?.property !== property) continue;
        // What found it is the mistake, not the life.
        expect((await live(seed)).violations).toEqual([]);
        // And that life finds it again.
        const again = await live(seed, plant);
        expect(again.violations[0]).toEqual(found);
        return;
      }
      expect.fail(`no seed up to ${SEEDS_MAX} finds it`);
    },
  );
});
