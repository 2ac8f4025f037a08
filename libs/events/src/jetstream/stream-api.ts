import {
  createInbox,
  headers,
  NoRespondersError,
  type Msg,
  type NatsConnection,
} from '@nats-io/nats-core';
import { ReceivedMessage } from './received-message.js';
import { fromHeaders, statusOf, type StoredMessage } from './stored-message.js';
import { HASH_HEADER, HEALTH_STREAM, LOG_STREAM } from './subjects.js';

/** The server's own error number (`errors.json` of nats-server). */
export class StreamApiError extends Error {
  constructor(
    readonly errorCode: number,
    description: string,
  ) {
    super(`nats-server: ${description} (${errorCode})`);
    this.name = 'StreamApiError';
  }
}

export interface PublishOptions {
  readonly messageId: string;
  readonly hash: string;
  /** Sequence of the last message on the subject; 0: there must be none. */
  readonly expectedLastSequence: number;
  readonly timeoutMs: number;
}

export interface PublishAck {
  readonly sequence: number;
  /** The message id is known: this sequence is that of the first time. */
  readonly isDuplicate: boolean;
}

export interface BatchQuery {
  readonly from: number;
  readonly count: number;
  readonly subject?: string;
}

/** What the server says instead of a message. */
interface Status {
  readonly code: number;
  readonly line: string;
}

/** The requests that a worker may send. Errors are those of the client, or `StreamApiError`. */
export class StreamApi {
  constructor(
    private readonly connection: NatsConnection,
    private readonly inboxPrefix: string,
  ) {}

  /** One attempt. What the client throws means: nobody knows. */
  async publish(subject: string, bytes: Uint8Array, options: PublishOptions): Promise<PublishAck> {
    const h = headers();
    h.set('Nats-Msg-Id', options.messageId);
    h.set('Nats-Expected-Stream', LOG_STREAM);
    h.set('Nats-Expected-Last-Subject-Sequence', String(options.expectedLastSequence));
    h.set(HASH_HEADER, options.hash);
    const { timeoutMs: timeout } = options;
    const ack = ackOf(await this.connection.request(subject, bytes, { headers: h, timeout }));
    return { sequence: ack.seq, isDuplicate: ack.duplicate === true };
  }

  /** Stores a few bytes in the stream beside the log. */
  async probe(subject: string, timeout: number): Promise<void> {
    const h = headers();
    h.set('Nats-Expected-Stream', HEALTH_STREAM);
    ackOf(await this.connection.request(subject, '{}', { headers: h, timeout }));
  }

  /** The last message on a subject, from the leader; undefined when there is none. */
  lastOn(subject: string, timeoutMs: number): Promise<StoredMessage | undefined> {
    return this.getMessage({ last_by_subj: subject }, timeoutMs);
  }

  /** The first message on a subject at or after a sequence, from the leader. */
  nextOn(subject: string, from: number, timeoutMs: number): Promise<StoredMessage | undefined> {
    return this.getMessage({ next_by_subj: subject, seq: from }, timeoutMs);
  }

  /** The message at a sequence, from the leader. */
  at(sequence: number, timeoutMs: number): Promise<StoredMessage | undefined> {
    return this.getMessage({ seq: sequence }, timeoutMs);
  }

  private async getMessage(query: object, timeout: number): Promise<StoredMessage | undefined> {
    const subject = `$JS.API.STREAM.MSG.GET.${LOG_STREAM}`;
    const answer = await this.connection.request(subject, JSON.stringify(query), { timeout });
    const { error, message } = answer.json<MessageAnswer>();
    if (error !== undefined) {
      if (error.err_code === NO_MESSAGE_FOUND) return undefined;
      throw new StreamApiError(error.err_code, error.description);
    }
    if (message === undefined) throw new StreamApiError(0, 'an answer without a message');
    const block = Buffer.from(message.hdrs ?? '', 'base64').toString();
    const bytes = Buffer.from(message.data ?? '', 'base64');
    return { ...fromHeaders(block, bytes), sequence: message.seq, subject: message.subject };
  }

  /**
   * Messages from a sequence on, in order, at most `count`; fewer where the log ends or the batch
   * grew large. Served by any replica, so it may lag.
   */
  async batch(query: BatchQuery, timeoutMs: number): Promise<readonly StoredMessage[]> {
    const received = await this.receive(query, timeoutMs);
    return received.map(({ block, bytes }) => fromHeaders(block, bytes));
  }

  /** As `batch`, nothing of the headers read yet. */
  async receive(query: BatchQuery, timeoutMs: number): Promise<readonly ReceivedMessage[]> {
    const found: ReceivedMessage[] = [];
    await this.stream(query, timeoutMs, (message, inbox) => {
      const received = new ReceivedMessage(message, inbox);
      const status = received.hasStatus ? statusOf(received.block) : 0;
      if (status !== 0) return { code: status, line: received.block.split('\r\n')[0] ?? '' };
      found.push(received);
      return undefined;
    });
    return found;
  }

  /** As `batch`, the data alone: with headers the server needs three times the time, and the client four times [M]. */
  async data(query: BatchQuery, timeoutMs: number): Promise<readonly Uint8Array[]> {
    const found: Uint8Array[] = [];
    await this.stream({ ...query, no_hdr: true }, timeoutMs, ({ headers, data }) => {
      const { code = 0, status = '' } = headers ?? {};
      if (code !== 0) return { code, line: status };
      found.push(data);
      return undefined;
    });
    return found;
  }

  /** Asks for a batch, and gives each answer to `take`, which keeps a message, or tells the status of what is none. */
  private stream(
    { from, count, subject: of, ...more }: BatchQuery & { readonly no_hdr?: true },
    timeoutMs: number,
    take: (answer: Msg, inbox: string) => Status | undefined,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const inbox = createInbox(this.inboxPrefix);
      const subject = `$JS.API.DIRECT.GET.${LOG_STREAM}`;
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        subscription.unsubscribe();
        if (error === undefined) resolve();
        else reject(error);
      };
      const subscription = this.connection.subscribe(inbox, {
        callback: (error, message) => {
          if (error !== null) return finish(error);
          const status = take(message, inbox);
          if (status === undefined) return;
          const { code, line } = status;
          if (code === END_OF_BATCH || code === NO_MESSAGES) finish();
          // The stream is not up yet: asked again, it may answer.
          else if (code === NOBODY_THERE) finish(new NoRespondersError(subject));
          else finish(new StreamApiError(code, line));
        },
      });
      // One timer for the whole batch: restarting it for every message would cost more than reading.
      const timer = setTimeout(
        () => finish(new Error(`reading from ${from}: no answer in ${timeoutMs} ms`)),
        timeoutMs,
      );
      const request = {
        seq: from,
        batch: count,
        max_bytes: BATCH_BYTES_MAX,
        ...(of === undefined ? {} : { next_by_subj: of }),
        ...more,
      };
      this.connection.publish(subject, JSON.stringify(request), { reply: inbox });
    });
  }
}

const ackOf = (answer: Msg): AckAnswer => {
  const ack = answer.json<AckAnswer>();
  if (ack.error !== undefined) throw new StreamApiError(ack.error.err_code, ack.error.description);
  return ack;
};

const NO_MESSAGE_FOUND = 10037;
const END_OF_BATCH = 204;
const NO_MESSAGES = 404;
const NOBODY_THERE = 503;
/** Far below what the server lets a slow client owe it before it cuts the connection (64 MB). */
const BATCH_BYTES_MAX = 4 * 1024 * 1024;

interface ApiError {
  readonly err_code: number;
  readonly description: string;
}
interface AckAnswer {
  readonly error?: ApiError;
  readonly seq: number;
  readonly duplicate?: boolean;
}
interface MessageAnswer {
  readonly error?: ApiError;
  readonly message?: {
    readonly subject: string;
    readonly seq: number;
    readonly hdrs?: string;
    readonly data?: string;
  };
}
