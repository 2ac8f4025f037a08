import type { Position } from '../sequence.js';
import type { StoredCommit } from './event-log.port.js';

/**
 * A commit in an exported log (NDJSON): position, hash and the stored bytes themselves, as they are. All
 * before the bytes has a fixed length, so that a reader cuts the bytes out and hashes them without
 * parsing, and a person still reads plain JSON.
 */
export const exportLine = ({ position, hash, bytes }: ExportedCommit): string =>
  `{"position":"${position}","hash":"${hash}","commit":${Buffer.from(bytes).toString('utf8')}}`;

export type ExportedCommit = Pick<StoredCommit, 'position' | 'hash' | 'bytes'>;

const LINE = /^\{"position":"(\d{20})","hash":"([0-9a-f]{64})","commit":/;

/** Undefined for a line that is not an exported commit. The bytes are not checked against the hash. */
export const parseExportLine = (line: string): ExportedCommit | undefined => {
  const match = LINE.exec(line);
  if (match === null || !line.endsWith('}')) return undefined;
  const [head, position, hash] = match as unknown as [string, Position, string];
  return { position, hash, bytes: Buffer.from(line.slice(head.length, -1), 'utf8') };
};
