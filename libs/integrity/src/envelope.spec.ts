import { idOf, type Commit } from '@shiplog/events';
import { scaled } from '@shiplog/events/testing';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEnvelope, scanEnvelope } from './envelope.js';

/** Texts of what the ends of commits are made of. */
const tricky = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '"',
        '\\',
        '{',
        '}',
        '],"from":1,"id":"x","origin":',
        ',"reason":',
        '\n',
        'é',
      ),
      fc.constantFrom('"previousHash":null', '","time":"', '","to":', ',"v":1}', 'null', ':'),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));
const textOrNull = fc.option(tricky);

const commits: fc.Arbitrary<Commit> = fc
  .record({
    from: fc.nat(1_000_000),
    id: fc.uuid(),
    stream: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
    hash: fc.option(fc.stringMatching(/^[0-9a-f]{64}$/)),
    reason: textOrNull,
    origin: fc.option(
      fc.record({ tokenId: fc.constant(null), address: textOrNull, userAgent: textOrNull }),
    ),
  })
  .map(({ from, id, stream, hash, reason, origin }) => ({
    v: 1,
    id,
    stream: `app.${stream}`,
    from,
    to: from + 1,
    previousHash: hash,
    actor: { kind: 'process', id: 'api', name: 'api' },
    origin,
    reason,
    command: null,
    causation: null,
    correlation: id,
    time: '2026-01-01T00:00:00.000Z',
    events: [scaled(`app.${stream}`, 1)],
  }));
const bytesOf = (commit: Commit): Buffer => Buffer.from(canonicalize(commit) ?? '');

describe('an envelope read from the end of the bytes', () => {
  it('is the one that parsing finds, whatever the texts of the commit are', () => {
    fc.assert(
      fc.property(commits, (commit) => {
        const bytes = bytesOf(commit);
        const parsed = parseEnvelope(bytes);
        expect(parsed?.stream).toBe(commit.stream);
        const hasBrace = /[{}]/.test(JSON.stringify(commit.origin ?? '').slice(1, -1));
        expect(scanEnvelope(bytes)).toEqual(hasBrace ? undefined : parsed);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is the same or none where bytes of the end were changed to other JSON of a commit', () => {
    fc.assert(
      fc.property(commits, fc.nat(400), fc.nat(255), fc.boolean(), (commit, back, byte, isCut) => {
        const bytes = bytesOf(commit);
        const at = Math.max(0, bytes.length - 1 - back);
        const changed = isCut
          ? Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
          : Buffer.from(bytes.map((one, i) => (i === at ? byte : one)));
        const parsed = parseEnvelope(changed);
        const scanned = scanEnvelope(changed);
        if (parsed !== undefined && scanned !== undefined) expect(scanned).toEqual(parsed);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is none where the hash before has an escaped character, which is another one than it is written', () => {
    const previousHash = 'a'.repeat(62);
    const whole = fc.sample(commits, { numRuns: 1, seed: 1 }).map((commit) => ({
      ...{ ...commit, origin: null, reason: null },
      previousHash: `${previousHash}\b`,
    }));
    for (const commit of whole) expect(scanEnvelope(bytesOf(commit))).toBeUndefined();
  });

  it.each(['', '}', ',"v":1}', '"to":1,"v":1}', '","time":"x","to":1,"v":1}', '{}'])(
    'is none in %j',
    (text) => {
      expect(scanEnvelope(Buffer.from(text))).toBeUndefined();
    },
  );

  it('is none without one of its members', () => {
    const [commit] = fc.sample(commits, { numRuns: 1, seed: 1 });
    if (commit === undefined) throw new Error('there is no sample');
    expect(idOf(commit.stream)).not.toBe('');
    const whole = { ...commit, origin: null, reason: null };
    expect(scanEnvelope(bytesOf(whole))).toBeDefined();
    for (const key of ['from', 'id', 'origin', 'previousHash', 'reason', 'stream', 'time', 'to']) {
      const { [key as 'from']: _, ...rest } = whole;
      expect(scanEnvelope(bytesOf(rest as Commit)), key).toBeUndefined();
    }
  });
});
