import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { COMMIT_BYTES_MAX, COMMIT_VERSION, storedCommit, type Commit } from '../commit.js';
import { eventSchemaOf } from '../event-types.js';
import type { StreamName } from '../registry.js';
import { NewerEventError, upcast } from '../upcast.js';
import { isEnvelope } from './envelope.js';
import { CommitRefusedError, EventInvalidError, LogDamagedError, LogNewerError } from './errors.js';

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
  assertEvents(commit);
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

/** What a decider made is checked once more: what is in the log is read for ever, and by everybody. */
const assertEvents = ({ stream, events }: Commit): void => {
  for (const event of events) {
    const checked = eventSchemaOf(event.type)?.safeParse(event);
    if (checked?.success === true) continue;
    const [issue] = checked?.error.issues ?? [];
    // The path and the rule, never the value: it may be somebody's secret.
    throw new EventInvalidError(
      `event ${event.type} version ${event.v} of ${stream} is not as its schema says: ${issue === undefined ? 'there is none' : `${issue.path.join('.')}: ${issue.message}`}`,
    );
  }
};

/** Throws where stored bytes are not those of their hash. */
export const assertBytes = (bytes: Uint8Array, hash: string, position: string): void => {
  if (sha256(bytes) !== hash) {
    throw new LogDamagedError(`bytes at ${position} are not those that were written`, position);
  }
};

/** Reads stored bytes, checks them against their hash, and brings every event to today's shape. */
export const decodeCommit = (bytes: Uint8Array, hash: string, position: string): Commit => {
  assertBytes(bytes, hash, position);
  // The hash proves that the bytes are those we encoded, so they need no check for being UTF-8.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return commitIn(text, position);
};

/** The commit in a text whose bytes were checked, every event in today's shape. */
export const commitIn = (text: string, position: string): Commit => {
  try {
    const value: unknown = JSON.parse(text);
    if (isNewerEnvelope(value))
      throw new LogNewerError('its envelope is of another version', position);
    const stored = isEnvelope(value) ? value : storedCommit.parse(value);
    // Changed where it lies: nobody else has it, and a copy of it costs as much as all the checks.
    return Object.assign(stored, {
      stream: stored.stream as StreamName,
      events: stored.events.map((event) =>
        upcast({ type: event.type, v: event.v, data: event.data }),
      ),
    });
  } catch (cause) {
    if (cause instanceof LogNewerError) throw cause;
    if (cause instanceof NewerEventError) throw new LogNewerError(cause.message, position);
    throw new LogDamagedError(`decoding the commit at ${position}`, position, { cause });
  }
};

const isNewerEnvelope = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'v' in value &&
  typeof value.v === 'number' &&
  value.v > COMMIT_VERSION;
