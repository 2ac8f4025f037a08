import type { Msg } from '@nats-io/nats-core';
import type { MsgImpl } from '@nats-io/nats-core/internal';
import type { CheckableCommit, NamesInBytes, StoredCommit } from '../log/event-log.port.js';
import { isHeaderBlockOf } from './expected-headers.js';
import { fromHeaders, SPACE, toStored, VERSION_LINE } from './stored-message.js';

interface Chunk {
  readonly bytes: Buffer;
  readonly view: DataView;
}
const chunkOver = (buffer: ArrayBufferLike): Chunk => ({
  bytes: Buffer.from(buffer),
  view: new DataView(buffer),
});

/** The bytes that were received last: one chunk holds many messages. */
let lastChunk = chunkOver(new ArrayBuffer(0));

const chunkOf = ({ buffer }: Uint8Array): Chunk => {
  if (lastChunk.view.buffer !== buffer) lastChunk = chunkOver(buffer);
  return lastChunk;
};

/**
 * A message as it was received, its headers not read yet. The client hands out the data as a view into the received
 * bytes, and the headers lie directly before it. What the client counts as the size of a message tells how long they
 * are: `subject`, headers and data.
 */
export class ReceivedMessage implements CheckableCommit {
  readonly bytes: Uint8Array;
  private readonly chunk: Chunk;
  private readonly from: number;

  constructor(message: Msg, subject: string) {
    // Each time it is asked for, the client makes another view.
    const { data } = message;
    this.bytes = data;
    this.chunk = chunkOf(data);
    this.from = data.byteOffset - ((message as MsgImpl).size() - subject.length - data.length);
  }

  /** `NATS/1.0 404 …`: an answer of the server's, and no message of the stream. */
  get hasStatus(): boolean {
    return this.chunk.bytes[this.from + VERSION_LINE.length] === SPACE;
  }

  /** The header block as text; empty where the headers do not lie before the data. */
  get block(): string {
    const { chunk, from } = this;
    const block = from < 0 ? '' : chunk.bytes.toString('latin1', from, this.bytes.byteOffset);
    return block.startsWith(VERSION_LINE) ? block : '';
  }

  get position(): string {
    return this.stored.position;
  }

  get stream(): string {
    return this.stored.stream;
  }

  get id(): string {
    return this.stored.id;
  }

  get hash(): string {
    return this.stored.hash;
  }

  hasBeside(place: number, hash: DataView, names: NamesInBytes): boolean {
    const expected = { place, hash, names };
    return isHeaderBlockOf(this.chunk.view, this.from, this.bytes.byteOffset, expected);
  }

  private get stored(): StoredCommit {
    return toStored(fromHeaders(this.block, this.bytes));
  }
}
