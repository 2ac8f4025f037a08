import { LogDamagedError } from '../log/errors.js';
import type { FollowHandler, Subscription } from '../log/event-log.port.js';
import type { RecordedCommit } from '../commit.js';
import { START, toPosition, type Position } from '../sequence.js';
import type { ConnectionWatch } from './connection-watch.js';

/** What following needs from the log. */
export interface FollowSource {
  readAfter(after: Position, limit: number): Promise<readonly RecordedCommit[]>;
  /** Calls back whenever the server announces a stored commit. At most once: also poll. */
  onHint(listener: () => void): () => void;
  readonly watch: ConnectionWatch;
  readonly isClosed: () => boolean;
}

const BATCH = 1_000;
const POLL_MS = 1_000;
const RETRY_MS = 100;

/** Reads on from a position, woken by hints, by a poll every second, and by a reconnect. */
export const followLog = (
  source: FollowSource,
  after: Position,
  handler: FollowHandler,
): Subscription => {
  const follower = new Follower(source, after, handler);
  const ended = follower.run().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
  return {
    ended,
    stop: async () => {
      follower.stop();
      await ended;
    },
  };
};

class Follower {
  private isStopped = false;
  /** Set by everything that may mean news; cleared before a read, so that none is missed. */
  private isWoken = false;
  private wake = (): void => undefined;
  private wasReconnected = false;
  private lastHash: string | undefined;

  constructor(
    private readonly source: FollowSource,
    private position: Position,
    private readonly handler: FollowHandler,
  ) {}

  stop(): void {
    this.isStopped = true;
    this.nudge();
  }

  async run(): Promise<void> {
    const endHints = this.source.onHint(() => this.nudge());
    const endWatch = this.source.watch.on((event) => {
      this.wasReconnected ||= event === 'back';
      this.nudge();
    });
    try {
      await this.loop();
    } finally {
      endHints();
      endWatch();
    }
  }

  private async loop(): Promise<void> {
    let ahead: Promise<readonly RecordedCommit[]> | undefined;
    while (!this.isStopped) {
      this.isWoken = false;
      const batch = await this.readOrWait(ahead);
      ahead = undefined;
      if (batch === undefined || this.isStopped) continue;
      const last = batch.at(-1);
      if (last === undefined) {
        await this.pause(POLL_MS);
        continue;
      }
      this.position = last.position;
      this.lastHash = last.hash;
      if (batch.length === BATCH) {
        // The server reads the next batch while this one is handled.
        ahead = this.source.readAfter(this.position, BATCH);
        ahead.catch(() => undefined);
      }
      await this.handler(batch);
      if (batch.length < BATCH) await this.pause(POLL_MS);
    }
  }

  /** A read that fails because the server is away is tried again; damage ends the following. */
  private async readOrWait(
    ahead: Promise<readonly RecordedCommit[]> | undefined,
  ): Promise<readonly RecordedCommit[] | undefined> {
    try {
      await this.verifySameLog();
      return await (ahead ?? this.source.readAfter(this.position, BATCH));
    } catch (error) {
      if (error instanceof LogDamagedError || this.source.isClosed()) throw error;
      await this.pause(RETRY_MS);
      return undefined;
    }
  }

  /** After a reconnect the server may be another one: the last commit we saw must still be there. */
  private async verifySameLog(): Promise<void> {
    if (!this.wasReconnected) return;
    if (this.lastHash !== undefined && this.position !== START) {
      const before = toPosition(BigInt(this.position) - 1n);
      const [record] = await this.source.readAfter(before, 1);
      if (record?.hash !== this.lastHash) {
        throw new LogDamagedError(
          `the log went back in time: the commit at ${this.position} is not the one that was read`,
          this.position,
        );
      }
    }
    this.wasReconnected = false;
  }

  private nudge(): void {
    this.isWoken = true;
    this.wake();
  }

  private pause(ms: number): Promise<void> {
    if (this.isWoken) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
