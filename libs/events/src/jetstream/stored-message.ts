import type { Msg } from '@nats-io/nats-core';
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

export const toStored = ({
  sequence,
  subject,
  messageId,
  hash,
  bytes,
}: StoredMessage): StoredCommit => ({
  position: toPosition(sequence),
  stream: subject.replace(/^log\./, ''),
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
 * One header of a raw header block. Reading the few lines we need from the text costs a fifth of
 * parsing the block into a map, and a follower does it for every commit.
 */
export const headerValue = (block: string, name: string): string => {
  const start = block.indexOf(`\r\n${name}:`);
  if (start < 0) return '';
  const from = start + name.length + 3;
  return block.slice(from, block.indexOf('\r\n', from)).trim();
};

/** The status of a header block (`NATS/1.0 404 Message Not Found`); 0 for an ordinary message. */
export const statusOf = (block: string): number => {
  const match = /^NATS\/1\.0 (\d{3})/.exec(block);
  return match === null ? 0 : Number(match[1]);
};

export const fromHeaders = (block: string, bytes: Uint8Array): StoredMessage => ({
  sequence: Number(headerValue(block, 'Nats-Sequence')),
  subject: headerValue(block, 'Nats-Subject'),
  messageId: headerValue(block, 'Nats-Msg-Id'),
  hash: headerValue(block, HASH_HEADER),
  bytes,
});

const VERSION_LINE = Buffer.from('NATS/1.0');

/** Longer than the headers of a commit and those the server adds. */
const HEADER_BLOCK_MAX = 1_024;

/**
 * The header block of a message, without parsing it: the client hands out the data as a view into the
 * received bytes, and the headers lie directly before it. Empty where that does not hold.
 */
export const headerBlockOf = ({ data }: Msg): string => {
  const start = Math.max(0, data.byteOffset - HEADER_BLOCK_MAX);
  const before = Buffer.from(data.buffer, start, data.byteOffset - start);
  const from = before.lastIndexOf(VERSION_LINE);
  return from < 0 ? '' : before.toString('latin1', from);
};
