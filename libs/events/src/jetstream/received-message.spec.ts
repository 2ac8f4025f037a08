import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { InMemoryEventLog } from '../log/in-memory-event-log.js';
import type { CheckableCommit, NamesInBytes, StoredCommit } from '../log/event-log.port.js';
import { START } from '../sequence.js';
import { appendMany, asReceived } from '../testing/index.js';

let commit: StoredCommit;
let names: NamesInBytes;
beforeAll(async () => {
  const log = new InMemoryEventLog();
  await appendMany(log, 'app.a-1', 3);
  const [, , third] = await log.readStored(START, 3);
  if (third === undefined) throw new Error('there is no third commit');
  commit = third;
  const text = Buffer.from(commit.bytes).toString('latin1');
  const idFrom = text.lastIndexOf('"id":"') + 6;
  const streamFrom = text.lastIndexOf('"stream":"') + 10;
  names = { idFrom, idTo: idFrom + commit.id.length, streamFrom, streamTo: streamFrom + 7 };
});

const isExpected = (received: CheckableCommit): boolean =>
  received.hasBeside(3, new DataView(new TextEncoder().encode(commit.hash).buffer), names);
const textsOf = ({ position, stream, id, hash, bytes }: StoredCommit) => ({
  position,
  stream,
  id,
  hash,
  bytes: Buffer.from(bytes).toString(),
});

describe('a message as it was received', () => {
  it('is the commit that was stored, and lies where it is expected', () => {
    expect(textsOf(asReceived(commit))).toEqual(textsOf(commit));
    expect(isExpected(asReceived(commit))).toBe(true);
  });

  it.each([
    ['place', { position: '00000000000000000004' }],
    ['place', { position: '00000000000000000031' }],
    ['stream', { stream: 'app.a-2' }],
    ['stream', { stream: 'app.a-11' }],
    ['stream', { stream: 'app.a-' }],
    ['id', { id: '00000000-0000-7000-8000-000000000000' }],
    ['id', { id: '' }],
    ['hash', { hash: '0'.repeat(64) }],
    ['hash', { hash: '' }],
  ])('is not expected at another %s: %o', (_, change) => {
    expect(isExpected(asReceived({ ...commit, ...change }))).toBe(false);
  });

  it.each([
    ['Nats-Msg-Id', 'x'],
    ['Shiplog-Commit-Hash', 'x'],
    ['Nats-Subject', 'log.app.x'],
    ['Nats-Sequence', '9'],
  ])('is not expected otherwise than it reads where a line %s stands twice', (name, value) => {
    for (const before of ['\r\nNats-Msg-Id:', '\r\nNats-Stream:', '\r\nNats-Sequence:']) {
      const received = asReceived(commit, (block) =>
        block.replace(before, `\r\n${name}: ${value}${before}`),
      );
      if (isExpected(received)) expect(textsOf(received)).toEqual(textsOf(commit));
    }
  });

  it('is never expected where its texts are others, whichever bytes of its headers are', () => {
    let different = 0;
    fc.assert(
      fc.property(fc.nat(330), fc.nat(4), fc.string({ maxLength: 4 }), (at, removed, put) => {
        const received = asReceived(
          commit,
          (block) => block.slice(0, at) + put + block.slice(at + removed),
        );
        if (!isExpected(received)) return;
        different += 1;
        expect(textsOf(received)).toEqual(textsOf(commit));
      }),
      { numRuns: 2_000 },
    );
    // What counts for nothing may be otherwise.
    expect(different).toBeGreaterThan(0);
  });
});
