import type { Msg } from '@nats-io/nats-core';
import { ReceivedMessage } from '../jetstream/received-message.js';
import { HASH_HEADER, LOG_STREAM } from '../jetstream/subjects.js';
import type { CheckableCommit, StoredCommit } from '../log/event-log.port.js';

const SUBJECT = '_INBOX.test';

/** A commit as it is received from a nats-server that has it stored like that. */
export const asReceived = (
  { position, stream, id, hash, bytes }: StoredCommit,
  change: (block: string) => string = (block) => block,
): CheckableCommit => {
  const lines = [
    'NATS/1.0',
    `Nats-Msg-Id: ${id}`,
    `Nats-Expected-Stream: ${LOG_STREAM}`,
    `Nats-Expected-Last-Subject-Sequence: ${Math.max(0, Number(position) - 3)}`,
    `${HASH_HEADER}: ${hash}`,
    `Nats-Stream: ${LOG_STREAM}`,
    `Nats-Subject: log.${stream}`,
    `Nats-Sequence: ${Number(position)}`,
    'Nats-Time-Stamp: 2026-01-01T00:00:00Z',
    'Nats-Num-Pending: 7',
    '\r\n',
  ];
  const block = Buffer.from(change(lines.join('\r\n')), 'latin1');
  const chunk = new Uint8Array(new ArrayBuffer(block.length + bytes.length));
  chunk.set(block);
  chunk.set(bytes, block.length);
  const message = {
    data: chunk.subarray(block.length),
    size: () => SUBJECT.length + chunk.length,
  };
  return new ReceivedMessage(message as unknown as Msg, SUBJECT);
};
