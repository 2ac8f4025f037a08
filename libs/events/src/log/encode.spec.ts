import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventTypes } from '../event-types.js';
import { arbitraryEvent } from '../testing/arbitrary-event.js';
import { NO_COMMIT, commitAfter, newStream } from '../testing/commits.js';
import { decodeCommit, encodeCommit, sha256 } from './encode.js';
import { EventInvalidError, LogDamagedError, LogNewerError } from './errors.js';

const commitOf = (events: readonly unknown[]) =>
  commitAfter(newStream(), NO_COMMIT, { events: events as never });
const decode = (text: string) => decodeCommit(Buffer.from(text), sha256(text), '42');
const stored = (change: object): string =>
  JSON.stringify({ ...commitOf([{ type: 'AppStopped', v: 1, data: { appId: 'a1' } }]), ...change });

describe('a commit', () => {
  it.each(eventTypes())('gives back every $type that its schema allows', (eventType) => {
    fc.assert(
      fc.property(arbitraryEvent(eventType), (event) => {
        const commit = commitOf([event]);
        const bytes = encodeCommit(commit);
        expect(decodeCommit(bytes, sha256(bytes), '1')).toEqual(commit);
      }),
      { numRuns: 25 },
    );
  });

  it('takes no event that is not as its schema says, and does not tell its value', () => {
    const secret = 'geheim; not encrypted';
    const wrong: [unknown, RegExp][] = [
      [{ type: 'AppStopped', v: 1, data: { appId: 'a 1' } }, /data\.appId/],
      [{ type: 'AppStopped', v: 1, data: { appId: 'a1', more: 1 } }, /data: .*more/],
      [{ type: 'AppStopped', v: 2, data: { appId: 'a1' } }, /: v: /],
      [{ type: 'AppPaused', v: 1, data: { appId: 'a1' } }, /there is none/],
      [
        { type: 'ConfigChanged', v: 1, data: { appId: 'a1', set: { KEY: secret }, unset: [] } },
        /data\.set\.KEY/,
      ],
    ];
    for (const [event, why] of wrong) {
      expect(() => encodeCommit(commitOf([event]))).toThrow(EventInvalidError);
      expect(() => encodeCommit(commitOf([event]))).toThrow(why);
      expect(() => encodeCommit(commitOf([event]))).not.toThrow(secret);
    }
  });

  it('of a newer Shiplog ends the reading, and says where and what', () => {
    const event = (change: object) => ({
      events: [{ type: 'AppStopped', v: 1, data: { appId: 'a1' }, ...change }],
    });
    const table: [object, RegExp][] = [
      [event({ v: 2 }), /commit at 42 .*newer.*AppStopped has version 2.* up to 1/],
      [event({ type: 'AppPaused' }), /commit at 42 .*newer.*AppPaused is not known/],
      [{ v: 2 }, /commit at 42 .*newer.*envelope/],
    ];
    for (const [change, why] of table) {
      expect(() => decode(stored(change))).toThrow(LogNewerError);
      expect(() => decode(stored(change))).toThrow(why);
    }
    expect(() => decode(stored({ v: 0 }))).toThrow(LogDamagedError);
    expect(decode(stored({})).events).toHaveLength(1);
  });
});
