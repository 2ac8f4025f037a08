import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { COMMIT_BYTES_MAX, storedCommit, type Commit } from '../commit.js';
import { upcast } from '../upcast.js';
import { CommitRefusedError, LogDamagedError } from './errors.js';
import type { StreamName } from '../registry.js';

export const sha256 = (bytes: Uint8Array | string): string => hash('sha256', bytes, 'hex');

/** The bytes of a commit: canonical JSON, so that equal commits are equal bytes everywhere. */
export const encodeCommit = (commit: Commit): Uint8Array => {
  // What reading refuses must not be written: one such commit would end every follower for ever.
  const envelope = storedCommit.safeParse(commit);
  if (!envelope.success) {
    const [issue] = envelope.error.issues;
    throw new CommitRefusedError(
      `commit of ${commit.stream} that could not be read back: ${issue?.path.join('.')}: ${issue?.message}`,
    );
  }
  const text = canonicalize(commit);
  if (text === undefined) throw new CommitRefusedError('encoding a commit that is not JSON');
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > COMMIT_BYTES_MAX) {
    throw new CommitRefusedError(
      `commit of ${bytes.length} bytes is above the limit of ${COMMIT_BYTES_MAX}`,
    );
  }
  return bytes;
};

/** The hash proves that the bytes are those we encoded, so they need no check for being UTF-8. */
const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');

/** Reads stored bytes, checks them against their hash, and brings every event to today's shape. */
export const decodeCommit = (bytes: Uint8Array, hash: string, position: string): Commit => {
  if (sha256(bytes) !== hash) {
    throw new LogDamagedError(`bytes at ${position} are not those that were written`, position);
  }
  try {
    const stored = storedCommit.parse(JSON.parse(textOf(bytes)));
    return {
      ...stored,
      stream: stored.stream as StreamName,
      events: stored.events.map((event) =>
        upcast({ type: event.type, v: event.v, data: event.data }),
      ),
    };
  } catch (cause) {
    throw new LogDamagedError(`decoding the commit at ${position}`, position, { cause });
  }
};
