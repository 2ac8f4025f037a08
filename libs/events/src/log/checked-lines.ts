import type { RecordedCommit } from '../commit.js';
import { toPosition } from '../sequence.js';
import { assertBytes, commitIn } from './encode.js';
import { LogDamagedError } from './errors.js';
import type { StoredCommit } from './event-log.port.js';

/** Stored commits without gaps, in one piece of memory that another thread can be given. */
export interface CheckedLines {
  /** Place of the first in the log. */
  readonly first: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each line ends. */
  readonly ends: Uint32Array<ArrayBuffer>;
}

const HASH_LENGTH = 64;
const headOf = (hash: string, id: string, stream: string): string => `${hash} ${id} ${stream} `;

/**
 * Checks the bytes of commits against their hashes, so that whoever gets the lines need not do it again: a line
 * is hash, id, stream and bytes. Throws where one is not what was written, or not where it should be.
 */
export const checkedLines = (first: number, commits: readonly StoredCommit[]): CheckedLines => {
  const heads = commits.map(({ hash, id, stream }) => headOf(hash, id, stream));
  const length = commits.reduce(
    (sum, { bytes }, i) => sum + Buffer.byteLength(heads[i] ?? '') + bytes.length,
    0,
  );
  const lines = Buffer.from(new ArrayBuffer(length));
  const ends = new Uint32Array(commits.length);
  let end = 0;
  commits.forEach(({ position, hash, bytes }, i) => {
    if (position !== toPosition(first + i)) {
      throw new LogDamagedError(`the commit at ${toPosition(first + i)} is missing`, position);
    }
    assertBytes(bytes, hash, position);
    end += lines.write(heads[i] ?? '', end);
    lines.set(bytes, end);
    end += bytes.length;
    ends[i] = end;
  });
  return { first, bytes: new Uint8Array(lines.buffer), ends };
};

/** Of a dense log, whose streams count on with the log itself. */
export const recordsIn = (
  { first, bytes, ends }: CheckedLines,
  from: number,
  count: number,
): readonly RecordedCommit[] => {
  const lines = Buffer.from(bytes.buffer);
  return Array.from(ends.subarray(from, from + count), (end, i) => {
    const line = lines.toString('utf8', ends[from + i - 1] ?? 0, end);
    return recordIn(line, toPosition(first + from + i));
  });
};

const recordIn = (line: string, position: string): RecordedCommit => {
  const hash = line.slice(0, HASH_LENGTH);
  const start = line.indexOf('{');
  const commit = commitIn(line.slice(start), position);
  if (line.slice(0, start) !== headOf(hash, commit.id, commit.stream)) {
    throw new LogDamagedError(`the commit at ${position} lies in another place`, position);
  }
  return { position, revision: position, hash, commit };
};
