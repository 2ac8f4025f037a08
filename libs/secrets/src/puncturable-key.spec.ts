import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyOf, puncture, type PuncturableKey } from './puncturable-key.js';

const whole = (): PuncturableKey => ({ seeds: new Map([['', randomBytes(32)]]) });

describe('a puncturable key', () => {
  it('keeps the keys of all labels but those that were cut out, in whatever order', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 12 }),
        fc.nat(),
        (labels, pick) => {
          const before = whole();
          const gone = labels.slice(0, pick % labels.length);
          const after = gone.reduce(puncture, before);
          for (const label of labels) {
            const key = keyOf(after, label);
            if (gone.includes(label)) expect(key).toBeUndefined();
            else expect(key).toEqual(keyOf(before, label));
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('has another key for every label, and for every secret', () => {
    const [one, other] = [whole(), whole()];
    const keys = [keyOf(one, 'a'), keyOf(one, 'b'), keyOf(other, 'a')];
    expect(new Set(keys.map((key) => key?.toString('hex'))).size).toBe(3);
  });

  it('holds no seed above or at what was cut out', () => {
    const label = 'app a1';
    const { seeds } = puncture(whole(), label);
    expect(seeds.size).toBe(64);
    const longest = [...seeds.keys()].find((path) => path.length === 64) ?? '';
    // The last seed kept is the leaf beside it; every other one lies beside the path to it.
    const path = longest.slice(0, 63) + (longest.endsWith('0') ? '1' : '0');
    for (const kept of seeds.keys()) expect(path.startsWith(kept)).toBe(false);
  });

  it('does not grow when the same label is cut out again', () => {
    const once = puncture(whole(), 'a');
    expect(puncture(once, 'a')).toBe(once);
  });
});
