import { setTimeout as delay } from 'node:timers/promises';
import { EventStoreDBClient } from '@eventstore/db-client';
import { v4 as uuidv4 } from 'uuid';
import type { Commit, RecordedCommit, Revision } from '../commit.js';
import { Deadline, type LogTimes } from '../log/deadline.js';
import { CommitRefusedError, LogDamagedError, LogUnavailableError } from '../log/errors.js';
import type {
  AppendResult,
  Durability,
  EventLog,
  FollowHandler,
  StoredCommit,
  Subscription,
} from '../log/event-log.port.js';
import { verifyChain } from '../log/verify-chain.js';
import type { ProcessName, StreamName } from '../registry.js';
import { distance, type Position } from '../sequence.js';
import { appendCommit } from './append-commit.js';
import {
  ACCESS_DENIED,
  EsdbApi,
  STREAM_DELETED,
  errorTypeOf,
  type Credentials,
  type EsdbEvent,
} from './esdb-api.js';
import { followLog } from './follow-log.js';
import { inspectAccess, type EsdbFacts } from './inspect-access.js';
import { esdbStreamOf, prefixOf, probeStreamOf } from './names.js';
import { LogReader } from './read-log.js';
import { toRecord, toStored } from './stored-event.js';

export interface EsdbOptions extends Partial<LogTimes> {
  /** `esdb://host:port?…` or `esdb+discover://…`, without credentials. */
  readonly connectionString: string;
  /** Whose name begins those of all its streams. Logs of different names live in one EventStoreDB. */
  readonly name: string;
  readonly credentials: Credentials | undefined;
  readonly process: ProcessName;
}

/** Positions count bytes. A commit with its metadata takes so many, about. */
const BYTES_OF_A_COMMIT = 1_000;
const PAGE = 1_000;

/** The log in EventStoreDB or KurrentDB. */
export class EsdbEventLog implements EventLog {
  readonly isDense = false;
  private readonly api: EsdbApi;
  private readonly reader: LogReader;
  private readonly times: LogTimes;
  private readonly followers = new Set<Subscription>();
  private isProbeBounded: Promise<boolean> | undefined;
  private isClosed = false;

  constructor(private readonly options: EsdbOptions) {
    const client = EventStoreDBClient.connectionString(options.connectionString);
    this.api = new EsdbApi(client, options.credentials);
    this.reader = new LogReader(this.api, prefixOf(options.name));
    this.times = {
      attemptTimeoutMs: options.attemptTimeoutMs ?? 2_000,
      deadlineMs: options.deadlineMs ?? 8_000,
    };
  }

  append(stream: StreamName, expected: Revision, commit: Commit): Promise<AppendResult> {
    return appendCommit(this.api, this.options.name, this.times, { stream, expected, commit });
  }

  async read(stream: StreamName): Promise<readonly RecordedCommit[]> {
    const name = esdbStreamOf(this.options.name, stream);
    const events: EsdbEvent[] = [];
    for (;;) {
      const from = BigInt(events.length);
      const page = await this.reading(`reading ${stream}`, (timeoutMs) =>
        this.api.ofStream(name, from, PAGE, timeoutMs),
      );
      events.push(...page);
      if (page.length === 0) break;
    }
    const records = events.map((event) => toRecord(this.options.name, event));
    verifyChain(stream, records);
    return records;
  }

  async readAfter(after: Position, limit: number): Promise<readonly RecordedCommit[]> {
    const events = await this.eventsAfter(after, limit);
    return events.map((event) => toRecord(this.options.name, event));
  }

  async readStored(after: Position, limit: number): Promise<readonly StoredCommit[]> {
    const events = await this.eventsAfter(after, limit);
    return events.map((event) => toStored(this.options.name, event));
  }

  private eventsAfter(after: Position, limit: number): Promise<readonly EsdbEvent[]> {
    return this.reading(`reading after ${after}`, (timeoutMs) =>
      this.reader.after(after, limit, timeoutMs),
    );
  }

  follow(after: Position, handler: FollowHandler): Subscription {
    const subscription = followLog(
      {
        fetch: (position, limit) => this.eventsAfter(position, limit),
        subscribe: (from) => this.api.subscribe(from, prefixOf(this.options.name)),
        head: () => this.head(),
        handle: (events) => handler(events.map((event) => toRecord(this.options.name, event))),
        isClosed: () => this.isClosed,
      },
      after,
    );
    this.followers.add(subscription);
    void subscription.ended.then(() => this.followers.delete(subscription));
    return subscription;
  }

  head(): Promise<Position> {
    return this.reading('asking for the head of the log', (timeoutMs) =>
      this.reader.head(timeoutMs),
    );
  }

  compare(a: Position, b: Position): number {
    return a < b ? -1 : a > b ? 1 : 0;
  }

  commitsBetween(after: Position, until: Position): number {
    return Math.ceil(distance(after, until) / BYTES_OF_A_COMMIT);
  }

  async probe(): Promise<void> {
    const { attemptTimeoutMs } = this.times;
    const stream = probeStreamOf(this.options.name, this.options.process);
    try {
      await this.boundProbe(stream);
      const event = { id: uuidv4(), bytes: Buffer.from('{}'), metadata: {} };
      await this.api.append(stream, event, 'any', attemptTimeoutMs);
    } catch (cause) {
      throw new LogUnavailableError('probing the log', 'unknown', { cause });
    }
  }

  /** Asked once. Where the user may not set it, an administrator has to: `inspect` tells. */
  private boundProbe(stream: string): Promise<boolean> {
    this.isProbeBounded ??= this.api.keepNewestOnly(stream, this.times.attemptTimeoutMs).then(
      () => true,
      (error: unknown) => {
        if (errorTypeOf(error) === ACCESS_DENIED) return false;
        this.isProbeBounded = undefined;
        throw error;
      },
    );
    return this.isProbeBounded;
  }

  /**
   * EventStoreDB syncs every write unless `UnsafeDisableFlushToDisk` or `MemDb` is set, and its gRPC
   * protocol does not tell whether one is. What cannot be proved is not claimed.
   */
  durability(): Promise<Durability> {
    return Promise.resolve('process');
  }

  /** What its user can do here, and what it should not be able to do. */
  inspect(): Promise<EsdbFacts> {
    const { name, process, credentials } = this.options;
    const probeStream = probeStreamOf(name, process);
    return inspectAccess(this.api, {
      user: credentials?.username,
      logName: name,
      isProbeBounded: () => this.boundProbe(probeStream),
      timeoutMs: this.times.attemptTimeoutMs,
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all([...this.followers].map((subscription) => subscription.stop()));
    await this.api.close();
  }

  /** Reading changes nothing, so a lost connection only means: ask again until the deadline. */
  private async reading<T>(doing: string, read: (timeoutMs: number) => Promise<T>): Promise<T> {
    const deadline = new Deadline(this.times);
    for (;;) {
      try {
        return await read(deadline.attemptMs);
      } catch (cause) {
        if (isFinal(cause)) throw translated(doing, cause);
        if (deadline.isOver || this.isClosed) {
          throw new LogUnavailableError(doing, 'not-written', { cause });
        }
        await delay(50);
      }
    }
  }
}

const isFinal = (error: unknown): boolean =>
  error instanceof LogDamagedError ||
  error instanceof CommitRefusedError ||
  errorTypeOf(error) === ACCESS_DENIED ||
  errorTypeOf(error) === STREAM_DELETED;

const translated = (doing: string, cause: unknown): unknown => {
  switch (errorTypeOf(cause)) {
    case ACCESS_DENIED: {
      const obstacle =
        'the user of EventStoreDB may not read it; docs/eventstoredb.md says what it needs';
      return new LogUnavailableError(doing, 'not-written', { obstacle, cause });
    }
    case STREAM_DELETED:
      return new LogDamagedError(`${doing}: the stream was deleted in EventStoreDB`, '', { cause });
    default:
      return cause;
  }
};
