import {
  BACKWARDS,
  END,
  ErrorType,
  FORWARDS,
  NO_STREAM,
  START,
  binaryEvent,
  streamNameFilter,
  type AllStreamSubscription,
  type EventStoreDBClient,
  type Position as EsdbPosition,
  type RecordedEvent,
  type ResolvedEvent,
  type StreamingRead,
} from '@eventstore/db-client';
import { COMMIT_TYPE } from './names.js';

export type { EsdbPosition };

/** One event of EventStoreDB as the client gives it. */
export interface EsdbEvent {
  readonly stream: string;
  readonly id: string;
  readonly type: string;
  readonly revision: bigint;
  readonly position: EsdbPosition;
  readonly metadata: unknown;
  readonly bytes: Uint8Array;
}

export interface EventToAppend {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** The error types of the client that mean something to us. */
export const { WRONG_EXPECTED_VERSION, ACCESS_DENIED, STREAM_DELETED, NOT_LEADER } = ErrorType;
export const TOO_LARGE = ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED;
export const { UNAVAILABLE, DEADLINE_EXCEEDED } = ErrorType;

export const errorTypeOf = (error: unknown): ErrorType | undefined =>
  error instanceof Error && 'type' in error ? (error.type as ErrorType) : undefined;

/** UNKNOWN until 23.x, INVALID_ARGUMENT since: how upstream answers a position that is no record's. */
const INVALID_POSITION_CODES: readonly unknown[] = [2, 3];
const mayBeInvalidPosition = (error: unknown): boolean =>
  errorTypeOf(error) === ErrorType.UNKNOWN &&
  error instanceof Error &&
  'code' in error &&
  INVALID_POSITION_CODES.includes(error.code);

/** What is asked of EventStoreDB, each with a time of its own. Errors are those of the client. */
export class EsdbApi {
  /**
   * With credentials in the call the client appends by a call of its own. Without, by one stream for all,
   * whose bookkeeping is shared by all clients of a process: a lost connection of one ends appends of
   * others, and an answer that then arrives ends the process.
   */
  private readonly credentials: Credentials;

  constructor(
    private readonly client: EventStoreDBClient,
    credentials: Credentials | undefined,
  ) {
    // Without TLS the client sends none, whatever is said here.
    this.credentials = credentials ?? { username: '-', password: '-' };
  }

  /** `expected`: revision of the last event; undefined: there must be none; `any` for what is no log. */
  async append(
    stream: string,
    event: EventToAppend,
    expected: bigint | undefined | 'any',
    timeoutMs: number,
  ): Promise<void> {
    const { id, metadata } = event;
    const data = binaryEvent({ type: COMMIT_TYPE, id, data: event.bytes, metadata });
    const appending = this.client.appendToStream(stream, data, {
      expectedRevision: expected ?? NO_STREAM,
      credentials: this.credentials,
      requiresLeader: true,
      deadline: timeoutMs,
    });
    // The client's deadline does not cover looking for a server.
    await within(appending, timeoutMs + 100);
  }

  /** Events from a revision on, at most `count`; none when there is no such stream. */
  async ofStream(
    stream: string,
    from: bigint,
    count: number,
    timeoutMs: number,
  ): Promise<readonly EsdbEvent[]> {
    const reading = this.client.readStream(stream, {
      fromRevision: from,
      maxCount: count,
      credentials: this.credentials,
      requiresLeader: true,
    });
    try {
      return await collected(reading, timeoutMs);
    } catch (error) {
      if (errorTypeOf(error) === ErrorType.STREAM_NOT_FOUND) return [];
      throw error;
    }
  }

  /** How many events a stream ever got. */
  async lengthOf(stream: string, timeoutMs: number): Promise<bigint> {
    const reading = this.client.readStream(stream, {
      fromRevision: END,
      direction: BACKWARDS,
      maxCount: 1,
      credentials: this.credentials,
      requiresLeader: true,
    });
    try {
      const [last] = await collected(reading, timeoutMs);
      return last === undefined ? 0n : last.revision + 1n;
    } catch (error) {
      if (errorTypeOf(error) === ErrorType.STREAM_NOT_FOUND) return 0n;
      throw error;
    }
  }

  /**
   * Events of all streams from a place on, itself included; from the leader, since who finds less than they know
   * of takes the log for damaged. Undefined where no record lies there.
   */
  async fromPlace(
    from: EsdbPosition | undefined,
    count: number,
    timeoutMs: number,
  ): Promise<readonly EsdbEvent[] | undefined> {
    const reading = this.client.readAll({
      fromPosition: from ?? START,
      direction: FORWARDS,
      maxCount: count,
      credentials: this.credentials,
      requiresLeader: true,
    });
    try {
      return await collected(reading, timeoutMs);
    } catch (error) {
      if (from !== undefined && mayBeInvalidPosition(error)) return undefined;
      throw error;
    }
  }

  /** Events of all streams before a place, newest first; from the leader. */
  beforePlace(
    from: EsdbPosition | undefined,
    count: number,
    timeoutMs: number,
  ): Promise<readonly EsdbEvent[]> {
    const reading = this.client.readAll({
      fromPosition: from ?? END,
      direction: BACKWARDS,
      maxCount: count,
      credentials: this.credentials,
      requiresLeader: true,
    });
    return collected(reading, timeoutMs);
  }

  /** Events of streams with a prefix after a place, those to come included, until it breaks. */
  subscribe(from: EsdbPosition | undefined, prefix: string): AllStreamSubscription {
    return this.client.subscribeToAll(
      {
        fromPosition: from ?? START,
        filter: streamNameFilter({ prefixes: [prefix] }),
        credentials: this.credentials,
      },
      { highWaterMark: 1_000 },
    );
  }

  /** A stream that keeps its newest event only; what else its metadata says stays. */
  async keepNewestOnly(stream: string, timeoutMs: number): Promise<void> {
    const options = { credentials: this.credentials, deadline: timeoutMs };
    const { metadata } = await within(
      this.client.getStreamMetadata(stream, { credentials: this.credentials }),
      timeoutMs,
    );
    if (metadata?.maxCount === 1) return;
    await within(
      this.client.setStreamMetadata(stream, { ...metadata, maxCount: 1 }, options),
      timeoutMs,
    );
  }

  /** Whether the user may, found out by a change that expects what is not: nothing ever comes of it. */
  async mayDelete(stream: string, timeoutMs: number): Promise<boolean> {
    return isAllowed(
      this.client.deleteStream(stream, {
        expectedRevision: NEVER,
        credentials: this.credentials,
        deadline: timeoutMs,
      }),
      timeoutMs,
    );
  }

  /** As `mayDelete`: `$maxCount` or `$tb` in its metadata would cut a stream off. */
  async maySetMetadata(stream: string, timeoutMs: number): Promise<boolean> {
    return isAllowed(
      this.client.setStreamMetadata(
        stream,
        {},
        { expectedRevision: NEVER, credentials: this.credentials, deadline: timeoutMs },
      ),
      timeoutMs,
    );
  }

  async close(): Promise<void> {
    await this.client.dispose();
  }
}

/** No stream has so many events. */
const NEVER = 2n ** 60n;

const isAllowed = async (asking: Promise<unknown>, timeoutMs: number): Promise<boolean> => {
  try {
    await within(asking, timeoutMs);
    return true;
  } catch (error) {
    const type = errorTypeOf(error);
    if (type === ErrorType.WRONG_EXPECTED_VERSION) return true;
    if (type === ErrorType.ACCESS_DENIED) return false;
    throw error;
  }
};

const within = async <T>(work: Promise<T>, timeoutMs: number): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Whoever reads asks on until nothing comes: events of other programs can be 16 MiB each. */
const PAGE_BYTES_MAX = 4 * 1024 * 1024;

/** A read up to some size. The client puts no time limit on one: without an answer it is ended here. */
const collected = (
  reading: StreamingRead<ResolvedEvent>,
  timeoutMs: number,
): Promise<readonly EsdbEvent[]> =>
  new Promise((resolve, reject) => {
    const found: EsdbEvent[] = [];
    const timer = setTimeout(() => {
      // Its connection may never have come up: then there is nothing to end.
      reading.cancel().catch(() => undefined);
      reject(new Error(`no answer in ${timeoutMs} ms`));
    }, timeoutMs);
    let bytes = 0;
    reading.on('data', ({ event }: ResolvedEvent) => {
      if (event === undefined || bytes > PAGE_BYTES_MAX) return;
      const next = toEsdbEvent(event);
      found.push(next);
      bytes += next.bytes.length;
      if (bytes <= PAGE_BYTES_MAX) return;
      clearTimeout(timer);
      reading.cancel().catch(() => undefined);
      resolve(found);
    });
    reading.on('error', (error: Error) => {
      clearTimeout(timer);
      reject(error);
    });
    reading.on('end', () => {
      clearTimeout(timer);
      resolve(found);
    });
  });

export const toEsdbEvent = (event: RecordedEvent): EsdbEvent => ({
  stream: event.streamId,
  id: event.id,
  type: event.type,
  revision: event.revision,
  position: event.position ?? { commit: 0n, prepare: 0n },
  metadata: event.metadata,
  bytes: event.data instanceof Uint8Array ? event.data : new Uint8Array(),
});
