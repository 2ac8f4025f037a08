import type { Commit, RecordedCommit } from '../commit.js';
import { decodeCommit } from '../log/encode.js';
import { LogDamagedError } from '../log/errors.js';
import type { StoredCommit } from '../log/event-log.port.js';
import { toPosition, type Position } from '../sequence.js';
import type { EsdbEvent, EsdbPosition, EventToAppend } from './esdb-api.js';
import { COMMIT_TYPE, streamOf } from './names.js';

/** One event in EventStoreDB is one commit: the same bytes, its id, its hash beside it. */
export const toEvent = (
  { id, correlation, causation }: Pick<Commit, 'id' | 'correlation' | 'causation'>,
  bytes: Uint8Array,
  hash: string,
): EventToAppend => ({
  id,
  bytes,
  // The names with a $ are EventStoreDB's own: it can list what belongs together.
  metadata: {
    hash,
    $correlationId: correlation,
    ...(causation === null ? {} : { $causationId: causation }),
  },
});

/** The place in the order of all streams. It has gaps: other events lie between, and it counts bytes. */
export const positionOf = ({ position }: EsdbEvent): Position => toPosition(position.commit);

export const placeOf = (position: Position): EsdbPosition => ({
  commit: BigInt(position),
  prepare: BigInt(position),
});

/** Revisions of EventStoreDB begin at 0, and ours for a stream without commits, too. */
export const revisionOf = ({ revision }: EsdbEvent): string => toPosition(revision + 1n);

export const hashOf = ({ metadata }: EsdbEvent): string => {
  const hash = (metadata as { hash?: unknown } | undefined)?.hash;
  return typeof hash === 'string' ? hash : '';
};

export const toStored = (logName: string, event: EsdbEvent): StoredCommit => ({
  position: positionOf(event),
  stream: streamOf(logName, event.stream),
  id: event.id,
  hash: hashOf(event),
  bytes: event.bytes,
});

/** Checks what is stored against its hash and its place, and decodes it. */
export const toRecord = (logName: string, event: EsdbEvent): RecordedCommit => {
  const position = positionOf(event);
  if (event.type !== COMMIT_TYPE) {
    throw new LogDamagedError(
      `${event.type} at ${position} in ${event.stream}: no commit`,
      position,
    );
  }
  const hash = hashOf(event);
  const commit = decodeCommit(event.bytes, hash, position);
  if (commit.stream !== streamOf(logName, event.stream) || commit.id !== event.id) {
    throw new LogDamagedError(`the commit at ${position} lies in another place`, position);
  }
  return { position, revision: revisionOf(event), hash, commit };
};
