import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { storedCommit } from '../commit.js';
import { commitAfter, newStream, NO_COMMIT } from '../testing/commits.js';
import { isEnvelope } from './envelope.js';

const plain = commitAfter(newStream(), NO_COMMIT);
const full = {
  ...plain,
  command: { id: 'c', digest: 'd' },
  previousHash: 'h',
  origin: { tokenId: 't1', address: '10.0.0.1', userAgent: 'curl' },
  reason: 'because',
  causation: 'c',
};

/** Every place in a value, as its path. */
const pathsIn = (value: unknown, path: readonly string[] = []): (readonly string[])[] =>
  typeof value !== 'object' || value === null
    ? [path]
    : [path, ...Object.entries(value).flatMap(([key, part]) => pathsIn(part, [...path, key]))];

const withAt = (value: unknown, [key, ...rest]: readonly string[], part: unknown): unknown => {
  if (key === undefined) return part;
  const inner = (value as Record<string, unknown>)[key];
  if (Array.isArray(value)) return value.with(Number(key), withAt(inner, rest, part));
  return { ...(value as object), [key]: withAt(inner, rest, part) };
};

const anything = fc.oneof(
  fc.constantFrom(null, '', 'user', 'process', 'app.a1', 'a.b c', 'a b', -1, 0, 0.5, 1, 2, {}, []),
  fc.string({ maxLength: 1_000 }),
  fc.string({ minLength: 60, maxLength: 70 }).map((text) => text.replace(/\W/g, 'x')),
  fc.integer(),
  fc.constantFrom(plain, full, ...Object.values(full)),
  fc.constant({ ...full.origin, more: 1 }),
);

describe('the quick look at an envelope', () => {
  it('knows what the platform writes', () => {
    expect([plain, full].map(isEnvelope)).toEqual([true, true]);
  });

  it('says yes only where the schema gives back the same', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(plain, full),
        fc.constantFrom(...pathsIn(full), ['more'], ['events', '0', 'more'], ['actor', 'more']),
        anything,
        (commit, path, part) => {
          fc.pre(path[0] !== 'command' || commit === full);
          fc.pre(path[0] !== 'origin' || commit === full);
          const changed = JSON.parse(JSON.stringify(withAt(commit, path, part))) as unknown;
          if (!isEnvelope(changed)) return;
          expect(storedCommit.parse(changed)).toEqual(changed);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it.each(pathsIn(full).filter((path) => path.length > 0 && path[0] !== 'events'))(
    'says no where something is missing: %s',
    (...path) => {
      const changed = JSON.parse(JSON.stringify(withAt(full, path, undefined))) as unknown;
      expect(isEnvelope(changed)).toBe(false);
    },
  );
});
