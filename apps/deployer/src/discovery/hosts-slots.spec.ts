import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planSlots, type Slots } from './hosts-slots.js';

const line = fc.integer({ min: 1, max: 9 }).map((n) => `10.0.0.${n} web.shop.internal`);
const hosts = fc.uniqueArray(line).map((lines) => lines.map((text) => `${text}\n`).join(''));
const linesOf = (slots: Slots) => [...slots.values()].filter((text) => text !== '').toSorted();

it('says in the end what is wanted, one line a file, at no moment less than what stays', () => {
  fc.assert(
    fc.property(fc.array(hosts, { maxLength: 12 }), (history) => {
      let slots: Slots = new Map();
      for (const wanted of history) {
        const staying = linesOf(slots).filter((text) => wanted.includes(text));
        const { writes, after } = planSlots(slots, wanted);
        const now = new Map(slots);
        for (const [file, content] of writes) {
          // While it is replaced there is nothing in the file.
          now.set(file, '');
          expect(linesOf(now)).toEqual(expect.arrayContaining(staying));
          now.set(file, content);
        }
        expect(now).toEqual(after);
        expect(linesOf(after).join('')).toBe(
          wanted
            .split(/(?<=\n)/)
            .toSorted()
            .join(''),
        );
        slots = after;
      }
      expect(slots.size).toBeLessThanOrEqual(18);
    }),
  );
});

it('writes nothing where nothing changed, and what is new before what goes', () => {
  const { after, writes } = planSlots(new Map(), 'a x\nb y\n');
  expect(writes).toEqual([
    ['0', 'a x\n'],
    ['1', 'b y\n'],
  ]);
  expect(planSlots(after, 'b y\na x\n').writes).toEqual([]);
  expect(planSlots(after, 'b y\nc z\n').writes).toEqual([
    ['2', 'c z\n'],
    ['0', ''],
  ]);
});
