import { START, toPosition } from '@shiplog/events';
import type { StoredCommit } from '@shiplog/events/log';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { storedUpTo } from './stored-up-to.js';

const commitAt = (n: number): StoredCommit => ({
  position: toPosition(n),
  stream: 'app.a',
  id: String(n),
  hash: '',
  bytes: new Uint8Array(),
});

/** A log with commits at these numbers, which gives at most `most` of them at once. */
const logOf = (numbers: readonly number[], isDense: boolean, most: number) => {
  const commits = numbers.map(commitAt);
  const asked: string[] = [];
  const readStored = (after: string, limit: number) => {
    asked.push(after);
    const found = commits.filter(({ position }) => position > after);
    return Promise.resolve(found.slice(0, Math.min(limit, most)));
  };
  return { asked, log: { isDense, readStored } };
};

const readUpTo = async (log: Parameters<typeof storedUpTo>[0], until: string) => {
  const found: string[] = [];
  for await (const batch of storedUpTo(log, until)) {
    found.push(...batch.map(({ position }) => position));
  }
  return found;
};

it('gives every commit up to the place once, in order, wherever some are missing and however many come at once', () =>
  fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.integer({ min: 1, max: 4_000 }),
      fc.constantFrom(37, 499, 500),
      fc.array(fc.tuple(fc.nat(4_000), fc.nat(1_200)), { maxLength: 4 }),
      fc.nat(4_500),
      async (isDense, count, most, holes, until) => {
        const isThere = (n: number) => !holes.some(([at, size]) => n > at && n <= at + size);
        const numbers = Array.from({ length: count }, (_, i) => i + 1).filter(isThere);
        const { log } = logOf(numbers, isDense, most);
        const expected = numbers.filter((n) => n <= until).map((n) => toPosition(n));
        expect(await readUpTo(log, toPosition(until))).toEqual(expected);
      },
    ),
    { numRuns: 60 },
  ));

it('asks for several batches at a time where it is known where they begin', async () => {
  const numbers = Array.from({ length: 2_000 }, (_, i) => i + 1);
  const { log, asked } = logOf(numbers, true, 500);
  const batches = storedUpTo(log, toPosition(2_000));
  await batches.next();
  expect(asked).toEqual([START, toPosition(500), toPosition(1_000), toPosition(1_500)]);
  await batches.return(undefined);
});
