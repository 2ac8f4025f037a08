import { LogDamagedError } from '../log/errors.js';
import type { FollowHandler, Subscription } from '../log/event-log.port.js';
import type { RecordedCommit } from '../commit.js';
import type { StoredMessage } from './stored-message.js';
import { START, toPosition, type Position } from '../sequence.js';
import type { ConnectionWatch } from './connection-watch.js';

/** What following needs from the log. */
export interface FollowSource {
  /** One batch as stored, and its check and decoding apart, so that the next one is on its way meanwhile. */
  fetch(after: Position, limit: number): Promise<readonly StoredMessage[]>;
  decode(after: Position, messages: readonly StoredMessage[]): readonly RecordedCommit[];
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
    let ahead: Promise<readonly StoredMessage[]> | undefined;
    while (!this.isStopped) {
      this.isWoken = false;
      const messages = await this.fetchOrWait(ahead);
      ahead = undefined;
      const last = messages?.at(-1);
      if (messages === undefined || this.isStopped) continue;
      if (last !== undefined) {
        const after = this.position;
        this.position = toPosition(last.sequence);
        this.lastHash = last.hash;
        // The server sends the next batch while this one is decoded and handled.
        if (messages.length === BATCH) ahead = this.fetchAhead();
        await this.handler(this.source.decode(after, messages));
      }
      if (messages.length < BATCH) await this.pause(POLL_MS);
    }
  }

  private fetchAhead(): Promise<readonly StoredMessage[]> {
    const ahead = this.source.fetch(this.position, BATCH);
    // Its failure is seen when its turn comes.
    ahead.catch(() => undefined);
    return ahead;
  }

  /** A read that fails because the server is away is tried again; damage ends the following. */
  private async fetchOrWait(
    ahead: Promise<readonly StoredMessage[]> | undefined,
  ): Promise<readonly StoredMessage[] | undefined> {
    try {
      await this.verifySameLog();
      return await (ahead ?? this.source.fetch(this.position, BATCH));
    } catch (error) {
      if (error instanceof LogDamagedError || this.source.isClosed()) throw error;
      await this.pause(RETRY_MS);
      return undefined;
    }
  }

  /**
   * After a reconnect the server may be another one: the last commit we saw, or went on from, must still
   * be there. What we go on from is looked at before anything is read.
   */
  private async verifySameLog(): Promise<void> {
    if (this.position === START) return;
    if (this.lastHash !== undefined && !this.wasReconnected) return;
    const before = toPosition(BigInt(this.position) - 1n);
    const [message] = await this.source.fetch(before, 1);
    if (this.lastHash !== undefined && message?.hash !== this.lastHash) {
      throw new LogDamagedError(
        `the log went back in time: the commit at ${this.position} is not the one that was read`,
        this.position,
      );
    }
    this.lastHash = message?.hash;
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
