import type { RecordedCommit } from '../commit.js';
import { toPosition } from '../sequence.js';
import { assertBytes, commitIn, sha256 } from './encode.js';
import { LogDamagedError } from './errors.js';
import type { StoredCommit } from './event-log.port.js';

/** Checked commits without gaps, in one piece of memory that another thread can be given. */
export interface CheckedLines {
  /** Place of the first in the log. */
  readonly first: number;
  /** Of all of them, 64 hexadecimal characters each. */
  readonly hashes: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each line ends. */
  readonly ends: Uint32Array<ArrayBuffer>;
  /** Does a line begin with id and stream, as the log keeps them beside the bytes? */
  readonly areNamed: boolean;
}

export const HASH_LENGTH = 64;
const nameOf = (id: string, stream: string): string => `${id} ${stream} `;

/**
 * Checks the bytes of commits against their hashes, so that whoever gets the lines need not do it again. Throws
 * where one is not what was written, or not where it should be.
 */
export const checkedLines = (first: number, commits: readonly StoredCommit[]): CheckedLines => {
  commits.forEach(({ position, hash, bytes }, i) => {
    if (position !== toPosition(first + i)) {
      throw new LogDamagedError(`the commit at ${toPosition(first + i)} is missing`, position);
    }
    assertBytes(bytes, hash, position);
  });
  const hashes = commits.map(({ hash }) => hash).join('');
  const names = commits.map(({ id, stream }) => nameOf(id, stream));
  const bytes = commits.map((commit) => commit.bytes);
  return { first, hashes, ...joined(bytes, names), areNamed: true };
};

/**
 * The same for the bytes alone, from one who knows the hashes of the commits there, and perhaps of more. Undefined
 * where one has another.
 */
export const provenLines = (
  first: number,
  bytes: readonly Uint8Array[],
  known: string,
): CheckedLines | undefined => {
  const isKnown = (one: Uint8Array, i: number): boolean =>
    known.startsWith(sha256(one), i * HASH_LENGTH);
  if (!bytes.every(isKnown)) return undefined;
  const hashes = known.slice(0, bytes.length * HASH_LENGTH);
  return { first, hashes, ...joined(bytes), areNamed: false };
};

const joined = (
  bytes: readonly Uint8Array[],
  names?: readonly string[],
): Pick<CheckedLines, 'bytes' | 'ends'> => {
  const lengthOf = (i: number): number => Buffer.byteLength(names?.[i] ?? '');
  const length = bytes.reduce((sum, one, i) => sum + lengthOf(i) + one.length, 0);
  const lines = Buffer.from(new ArrayBuffer(length));
  const ends = new Uint32Array(bytes.length);
  let end = 0;
  bytes.forEach((one, i) => {
    if (names !== undefined) end += lines.write(names[i] ?? '', end);
    lines.set(one, end);
    end += one.length;
    ends[i] = end;
  });
  return { bytes: new Uint8Array(lines.buffer), ends };
};

/** Of a dense log, whose streams count on with the log itself. */
export const recordsIn = (
  { first, hashes, bytes, ends, areNamed }: CheckedLines,
  from: number,
  count: number,
): readonly RecordedCommit[] => {
  const lines = Buffer.from(bytes.buffer);
  return Array.from(ends.subarray(from, from + count), (end, i) => {
    const line = lines.toString('utf8', ends[from + i - 1] ?? 0, end);
    const position = toPosition(first + from + i);
    const hash = hashes.slice((from + i) * HASH_LENGTH, (from + i + 1) * HASH_LENGTH);
    const commit = areNamed ? namedCommitIn(line, position) : commitIn(line, position);
    return { position, revision: position, hash, commit };
  });
};

const namedCommitIn = (line: string, position: string): RecordedCommit['commit'] => {
  const start = line.indexOf('{');
  const commit = commitIn(line.slice(start), position);
  if (line.slice(0, start) !== nameOf(commit.id, commit.stream)) {
    throw new LogDamagedError(`the commit at ${position} lies in another place`, position);
  }
  return commit;
};
