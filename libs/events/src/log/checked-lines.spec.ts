import { beforeAll, describe, expect, it } from 'vitest';
import { START, toPosition } from '../sequence.js';
import { appendMany, commitAfter, endOf, newStream } from '../testing/commits.js';
import { checkedLines, provenLines, recordsIn } from './checked-lines.js';
import { LogDamagedError } from './errors.js';
import type { StoredCommit } from './event-log.port.js';
import { InMemoryEventLog } from './in-memory-event-log.js';

const log = new InMemoryEventLog();
let stored: readonly StoredCommit[];
const second = (): StoredCommit => stored[1] as StoredCommit;

beforeAll(async () => {
  const stream = newStream();
  await appendMany(log, stream, 5);
  const end = await endOf(log, stream);
  await log.append(stream, end.revision, commitAfter(stream, end, { reason: 'Äpfel\n{"und"} 🍐' }));
  await appendMany(log, newStream(), 5);
  stored = await log.readStored(START, 100);
});

describe('commits as checked lines', () => {
  it('are the commits of the log, whichever are taken', async () => {
    const lines = structuredClone(checkedLines(1, stored));
    const all = await log.readAfter(START, 100);
    expect(recordsIn(lines, 0, 100)).toEqual(all);
    for (let from = 0; from <= all.length; from += 1) {
      expect(recordsIn(lines, from, 3)).toEqual(all.slice(from, from + 3));
    }
  });

  it('are the same commits where their hashes are known', async () => {
    const all = await log.readAfter(START, 100);
    const known = all.map(({ hash }) => hash).join('');
    const bytes = stored.map((one) => one.bytes);
    const lines = structuredClone(provenLines(1, bytes, known));
    expect(lines && recordsIn(lines, 0, 100)).toEqual(all);
    const fewer = provenLines(1, bytes.slice(0, 4), known);
    expect(fewer && recordsIn(fewer, 2, 100)).toEqual(all.slice(2, 4));
  });

  it('are none where one has another hash than is known of it', () => {
    const known = stored.map(({ hash }) => hash).join('');
    const bytes = stored.map((one) => one.bytes);
    const altered = second().bytes.with(40, 33);
    expect(provenLines(1, bytes.with(1, altered), known)).toBeUndefined();
    expect(provenLines(1, bytes.toSpliced(1, 1), known)).toBeUndefined();
    expect(provenLines(1, bytes, known.slice(0, 5 * 64))).toBeUndefined();
  });

  it('are not made of bytes that were altered, nor over a gap', () => {
    const altered = { ...second(), bytes: second().bytes.with(40, 33) };
    for (const damaged of [stored.with(1, altered), stored.toSpliced(1, 1)]) {
      expect(() => checkedLines(1, damaged)).toThrow(LogDamagedError);
    }
    expect(() => checkedLines(2, stored)).toThrow(LogDamagedError);
  });

  it.each([
    ['stream', { stream: newStream() }],
    ['id', { id: 'another' }],
  ])('are refused where they lie under another %s', (_what, change) => {
    const lines = checkedLines(1, stored.with(1, { ...second(), ...change }));
    expect(recordsIn(lines, 0, 1)).toHaveLength(1);
    expect(() => recordsIn(lines, 1, 1)).toThrow(`at ${toPosition(2)} lies in another place`);
  });
});
