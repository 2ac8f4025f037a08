import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteNames } from './byte-names.js';

it('numbers names in the order in which they come first, wherever their bytes lie', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(5_000), { maxLength: 8_000, size: 'max' }),
      fc.nat(9),
      (all, gap) => {
        const names = new ByteNames();
        const numbers = new Map<string, number>();
        for (const n of all) {
          const name = `app.${'x'.repeat(n % 50)}${n}`;
          const bytes = Buffer.from(`${'-'.repeat(gap)}${name}-`);
          const number = names.numberOf(bytes, gap, gap + name.length);
          expect(number).toBe(numbers.get(name) ?? numbers.size);
          numbers.set(name, number);
        }
      },
    ),
    { numRuns: 20 },
  );
});
