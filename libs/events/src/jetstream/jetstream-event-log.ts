import { setTimeout as delay } from 'node:timers/promises';
import { NoRespondersError, type NatsConnection } from '@nats-io/nats-core';
import type { Commit, RecordedCommit, Revision } from '../commit.js';
import {
  CommitRefusedError,
  LogDamagedError,
  LogNewerError,
  LogUnavailableError,
} from '../log/errors.js';
import type {
  AppendResult,
  CheckableCommit,
  Durability,
  EventLog,
  FollowHandler,
  StoredCommit,
  Subscription,
} from '../log/event-log.port.js';
import type { ProcessName, StreamName } from '../registry.js';
import { START, distance, toPosition, type Position } from '../sequence.js';
import { appendCommit } from './append-commit.js';
import { ConnectionWatch } from './connection-watch.js';
import { Deadline, type LogTimes } from '../log/deadline.js';
import { followLog } from './follow-log.js';
import { readStream } from './read-stream.js';
import { toDenseRecords, toStored, type StoredMessage } from './stored-message.js';
import { StreamApi, StreamApiError } from './stream-api.js';
import { HINT_SUBJECTS, probeSubjectOf } from './subjects.js';

export interface JetStreamOptions extends Partial<LogTimes> {
  /** The only prefix below which this connection's user may receive answers. */
  readonly inboxPrefix: string;
  /** Whose log this is: it probes under its own name. */
  readonly process: ProcessName;
  /** What was proved about the server; it cannot be asked with a worker's rights. */
  readonly durability: () => Promise<Durability>;
  /**
   * Why nothing can be written now, in words for people; undefined when it can. Asked before every
   * append: a server that meets a full disk answers nothing at all.
   */
  readonly obstacle?: () => Promise<string | undefined>;
}

const READ_BATCH = 1_000;

/** The log in a JetStream stream. The connection belongs to whoever made it. */
export class JetStreamEventLog implements EventLog {
  readonly isDense = true;
  readonly commitsBetween = distance;
  private readonly api: StreamApi;
  private readonly watch: ConnectionWatch;
  private readonly times: LogTimes;
  private readonly followers = new Set<Subscription>();

  constructor(
    private readonly connection: NatsConnection,
    private readonly options: JetStreamOptions,
  ) {
    this.api = new StreamApi(connection, options.inboxPrefix);
    this.watch = new ConnectionWatch(connection);
    this.times = {
      attemptTimeoutMs: options.attemptTimeoutMs ?? 2_000,
      deadlineMs: options.deadlineMs ?? 8_000,
    };
  }

  async append(stream: StreamName, expected: Revision, commit: Commit): Promise<AppendResult> {
    await this.refuseAtObstacle(`appending to ${stream}`);
    return appendCommit(this.api, this.watch, this.times, { stream, expected, commit });
  }

  async read(stream: StreamName): Promise<readonly RecordedCommit[]> {
    return this.reading(`reading ${stream}`, (timeoutMs) =>
      readStream(this.api, stream, timeoutMs),
    );
  }

  readAfter(after: Position, limit: number): Promise<readonly RecordedCommit[]> {
    return this.reading(`reading after ${after}`, (timeoutMs) =>
      this.readDense(Number(after), limit, timeoutMs),
    );
  }

  readStored(after: Position, limit: number): Promise<readonly StoredCommit[]> {
    return this.reading(`reading what is stored after ${after}`, async (timeoutMs) => {
      const found: StoredCommit[] = [];
      for await (const messages of this.batches(Number(after), limit, timeoutMs)) {
        for (const message of messages) found.push(toStored(message));
      }
      return found;
    });
  }

  readCheckable(after: Position, limit: number): Promise<readonly CheckableCommit[]> {
    return this.reading(`reading what is stored after ${after}`, async (timeoutMs) => {
      const found: CheckableCommit[] = [];
      let from = Number(after) + 1;
      while (found.length < limit) {
        const count = Math.min(READ_BATCH, limit - found.length);
        const batch = await this.api.receive({ from, count }, timeoutMs);
        const last = batch.at(-1);
        if (last === undefined) break;
        found.push(...batch);
        from = Number(last.position) + 1;
      }
      return found;
    });
  }

  readBytes(after: Position, limit: number): Promise<readonly Uint8Array[]> {
    return this.reading(`reading bytes after ${after}`, async (timeoutMs) => {
      const found: Uint8Array[] = [];
      while (found.length < limit) {
        const from = Number(after) + found.length + 1;
        const count = Math.min(READ_BATCH, limit - found.length);
        const batch = await this.api.data({ from, count }, timeoutMs);
        if (batch.length === 0) break;
        found.push(...batch);
      }
      return found;
    });
  }

  private async readDense(
    after: number,
    limit: number,
    timeoutMs: number,
  ): Promise<readonly RecordedCommit[]> {
    const records: RecordedCommit[] = [];
    for await (const messages of this.batches(after, limit, timeoutMs)) {
      records.push(...toDenseRecords(after + records.length, messages));
    }
    return records;
  }

  /** Messages after a sequence, at most `limit`: the server sends the next batch while one is looked at. */
  private async *batches(
    after: number,
    limit: number,
    timeoutMs: number,
  ): AsyncGenerator<readonly StoredMessage[]> {
    let left = limit;
    const fetch = (last: number): Promise<readonly StoredMessage[]> =>
      left === 0
        ? Promise.resolve([])
        : this.api.batch({ from: last + 1, count: Math.min(READ_BATCH, left) }, timeoutMs);
    let messages = await fetch(after);
    while (messages.length > 0) {
      left -= messages.length;
      const ahead = fetch(messages.at(-1)?.sequence ?? after);
      ahead.catch(() => undefined);
      yield messages;
      messages = await ahead;
    }
  }

  follow(after: Position, handler: FollowHandler): Subscription {
    const subscription = followLog(
      {
        fetch: (position, count) =>
          this.reading(`following after ${position}`, (timeoutMs) =>
            this.api.batch({ from: Number(position) + 1, count }, timeoutMs),
          ),
        decode: (position, messages) => toDenseRecords(Number(position), messages),
        onHint: (listener) => {
          const hints = this.connection.subscribe(HINT_SUBJECTS, { callback: listener });
          return () => hints.unsubscribe();
        },
        watch: this.watch,
        isClosed: () => this.connection.isClosed(),
      },
      after,
      handler,
    );
    this.followers.add(subscription);
    void subscription.ended.then(() => this.followers.delete(subscription));
    return subscription;
  }

  async head(): Promise<Position> {
    const last = await this.reading('asking for the head of the log', (timeoutMs) =>
      this.api.lastOn('>', timeoutMs),
    );
    return last === undefined ? START : toPosition(last.sequence);
  }

  async probe(): Promise<void> {
    const doing = 'probing the log';
    await this.refuseAtObstacle(doing);
    const { attemptTimeoutMs } = this.times;
    try {
      // What is asked while disconnected is dropped by the client, and waited for in vain.
      await this.watch.connected(attemptTimeoutMs);
      const subject = probeSubjectOf(this.options.process);
      await this.watch.whileConnected(this.api.probe(subject, attemptTimeoutMs));
    } catch (cause) {
      throw new LogUnavailableError(doing, 'unknown', { cause });
    }
  }

  private async refuseAtObstacle(doing: string): Promise<void> {
    const obstacle = await this.options.obstacle?.();
    if (obstacle !== undefined) throw new LogUnavailableError(doing, 'not-written', { obstacle });
  }

  compare(a: Position, b: Position): number {
    return a < b ? -1 : a > b ? 1 : 0;
  }

  durability(): Promise<Durability> {
    return this.options.durability();
  }

  async close(): Promise<void> {
    await Promise.all([...this.followers].map((subscription) => subscription.stop()));
  }

  /** Reading changes nothing, so a lost connection only means: ask again until the deadline. */
  private async reading<T>(doing: string, read: (timeoutMs: number) => Promise<T>): Promise<T> {
    const deadline = new Deadline(this.times);
    for (;;) {
      // What is asked while disconnected is dropped by the client, and waited for in vain.
      await this.watch.connected(deadline.leftMs);
      try {
        return await this.watch.whileConnected(read(deadline.attemptMs));
      } catch (cause) {
        if (!isTransient(cause)) throw cause;
        if (deadline.isOver || this.connection.isClosed()) {
          throw new LogUnavailableError(doing, 'not-written', { cause });
        }
        await delay(cause instanceof NoRespondersError ? 100 : 20);
      }
    }
  }
}

const isTransient = (error: unknown): boolean =>
  !(
    error instanceof LogDamagedError ||
    error instanceof LogNewerError ||
    error instanceof CommitRefusedError ||
    error instanceof StreamApiError
  );
