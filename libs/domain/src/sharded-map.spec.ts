import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ShardedMap } from './sharded-map.js';

const ids = fc.constantFrom('', 'a', 'ab', 'ba', '019ac1f0-aaaa', '019ac1f0-aaab', 'ü', '😀');
const changes = fc.array(
  fc.record({ id: ids, value: fc.option(fc.integer(), { nil: undefined }) }),
  { maxLength: 30 },
);

it('holds what a Map holds, and no change shows in an earlier one', () => {
  fc.assert(
    fc.property(changes, (list) => {
      const model = new Map<string, number>();
      let map = ShardedMap.of<number>();
      for (const { id, value } of list) {
        const before = map;
        const entries = before.entries();
        map = value === undefined ? map.without(id) : map.with(id, value);
        if (value === undefined) model.delete(id);
        else model.set(id, value);
        expect(before.entries()).toEqual(entries);
        expect(new Map(map.entries())).toEqual(model);
        expect(map.get(id)).toBe(value);
      }
      expect(ShardedMap.of(map.entries()).entries()).toEqual(map.entries());
    }),
  );
});

it('takes many at once as it takes one after the other', () => {
  const entries = fc.array(fc.tuple(ids, fc.integer()), { maxLength: 30 });
  fc.assert(
    fc.property(entries, entries, (first, more) => {
      const before = ShardedMap.of(first);
      const inBefore = before.entries();
      const one = more.reduce((map, [id, value]) => map.with(id, value), before);
      expect(before.withAll(more).entries()).toEqual(one.entries());
      expect(before.entries()).toEqual(inBefore);
    }),
  );
});
