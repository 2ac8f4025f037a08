import type { RecordedCommit } from '../commit.js';
import { decodeCommit } from '../log/encode.js';
import { LogDamagedError } from '../log/errors.js';
import type { StoredCommit } from '../log/event-log.port.js';
import { toPosition } from '../sequence.js';
import { HASH_HEADER } from './subjects.js';

/** One message of the log stream as the server gives it back. */
export interface StoredMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly messageId: string;
  readonly hash: string;
  readonly bytes: Uint8Array;
}

/** Checks what is stored against its hash and its place, and decodes it. */
export const toRecord = (message: StoredMessage): RecordedCommit => {
  const position = toPosition(message.sequence);
  const commit = decodeCommit(message.bytes, message.hash, position);
  if (`log.${commit.stream}` !== message.subject || commit.id !== message.messageId) {
    throw new LogDamagedError(`the commit at ${position} lies in another place`, position);
  }
  return { position, revision: position, hash: message.hash, commit };
};

const SUBJECT_PREFIX = 'log.';

export const toStored = ({
  sequence,
  subject,
  messageId,
  hash,
  bytes,
}: StoredMessage): StoredCommit => ({
  position: toPosition(sequence),
  stream: subject.startsWith(SUBJECT_PREFIX) ? subject.slice(SUBJECT_PREFIX.length) : subject,
  id: messageId,
  hash,
  bytes,
});

/** The log numbers its commits without gaps: a gap is a loss. */
export const toDenseRecords = (
  after: number,
  messages: readonly StoredMessage[],
): readonly RecordedCommit[] =>
  messages.map((message, i) => {
    if (message.sequence === after + i + 1) return toRecord(message);
    const position = toPosition(after + i + 1);
    throw new LogDamagedError(`the commit at ${position} is missing`, position);
  });

/**
 * One header of a raw header block, by how its line starts. Reading the few lines we need from the text costs a
 * fifth of parsing the block into a map, and a follower does it for every commit.
 */
const lineValue = (block: string, start: string): string => {
  const at = block.indexOf(start);
  if (at < 0) return '';
  const from = at + start.length;
  const to = block.indexOf('\r', from);
  // One space follows the colon, as both the server and our client write it.
  return block.charCodeAt(from) === SPACE && block.charCodeAt(to - 1) !== SPACE
    ? block.slice(from + 1, to)
    : block.slice(from, to).trim();
};
export const SPACE = 32;
const SEQUENCE_LINE = '\r\nNats-Sequence:';
const SUBJECT_LINE = '\r\nNats-Subject:';
const ID_LINE = '\r\nNats-Msg-Id:';
const HASH_LINE = `\r\n${HASH_HEADER}:`;

/** The status of a header block (`NATS/1.0 404 Message Not Found`); 0 for an ordinary message. */
export const statusOf = (block: string): number => {
  if (block.charCodeAt(VERSION_LINE.length) !== SPACE) return 0;
  const match = /^NATS\/1\.0 (\d{3})/.exec(block);
  return match === null ? 0 : Number(match[1]);
};

export const fromHeaders = (block: string, bytes: Uint8Array): StoredMessage => ({
  sequence: Number(lineValue(block, SEQUENCE_LINE)),
  subject: lineValue(block, SUBJECT_LINE),
  messageId: lineValue(block, ID_LINE),
  hash: lineValue(block, HASH_LINE),
  bytes,
});

export const VERSION_LINE = 'NATS/1.0';
