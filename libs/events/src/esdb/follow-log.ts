import type { AllStreamSubscription, AllStreamResolvedEvent } from '@eventstore/db-client';
import { LogDamagedError } from '../log/errors.js';
import type { Subscription } from '../log/event-log.port.js';
import { START, toPosition, type Position } from '../sequence.js';
import { toEsdbEvent, type EsdbEvent, type EsdbPosition } from './esdb-api.js';
import { hashOf, placeOf, positionOf } from './stored-event.js';

/** What following needs from the log. */
export interface FollowSource {
  /** Commits after a position; tried again by itself for a while. */
  fetch(after: Position, limit: number): Promise<readonly EsdbEvent[]>;
  subscribe(from: EsdbPosition | undefined): AllStreamSubscription;
  head(): Promise<Position>;
  handle(events: readonly EsdbEvent[]): void | Promise<void>;
  readonly isClosed: () => boolean;
}

const BATCH = 1_000;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 2_000;
/** A subscription that says nothing for so long is asked about: it may be dead without knowing. */
const SILENCE_MS = 5_000;

/**
 * Reads up to the end and subscribes from there, again and again: the client's subscriptions end with any
 * lost connection, and with "consumer too slow". It goes on after the last commit that was handled. Not at the
 * client's checkpoints: it tells them before what lies before them was handled.
 */
export const followLog = (source: FollowSource, after: Position): Subscription => {
  const follower = new Follower(source, after);
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
  private endPause = (): void => undefined;
  private endSubscription = (): void => undefined;
  private lastHash: string | undefined;

  constructor(
    private readonly source: FollowSource,
    private position: Position,
  ) {}

  stop(): void {
    this.isStopped = true;
    this.endPause();
    this.endSubscription();
  }

  async run(): Promise<void> {
    let failures = 0;
    while (!this.isStopped) {
      try {
        await this.verifySameLog();
        await this.catchUp();
        if (await this.subscribed()) failures = 0;
      } catch (error) {
        if (error instanceof HandlerError) throw error.cause;
        if (error instanceof LogDamagedError || this.source.isClosed()) throw error;
      }
      failures += 1;
      await this.pause(Math.min(RETRY_MS_MIN * 2 ** failures, RETRY_MS_MAX));
    }
  }

  /** After any break the server may be another one: the last commit we saw must still be there. */
  private async verifySameLog(): Promise<void> {
    if (this.position === START) return;
    const before = toPosition(BigInt(this.position) - 1n);
    const [event] = await this.source.fetch(before, 1);
    const hash = event === undefined ? undefined : hashOf(event);
    const isSame = event !== undefined && positionOf(event) === this.position;
    if (this.lastHash !== undefined && (!isSame || hash !== this.lastHash)) {
      throw new LogDamagedError(
        `the log went back in time: the commit at ${this.position} is not the one that was read`,
        this.position,
      );
    }
    if (isSame) this.lastHash = hash;
  }

  private async catchUp(): Promise<void> {
    for (;;) {
      if (this.isStopped) return;
      const events = await this.source.fetch(this.position, BATCH);
      if (events.length === 0) return;
      await this.take(events);
    }
  }

  /** Resolves with whether anything came when the subscription ended for any reason. */
  private async subscribed(): Promise<boolean> {
    if (this.isStopped) return false;
    const from = this.position === START ? undefined : placeOf(this.position);
    const subscription = this.source.subscribe(from);
    const feed = new Arrivals(subscription);
    this.endSubscription = () => feed.end();
    try {
      let hasCome = false;
      for (;;) {
        const events = await feed.next(SILENCE_MS);
        if (events === 'ended' || this.isStopped) return hasCome;
        if (events === 'silent' && (await this.isBehind())) return hasCome;
        if (events === 'silent') continue;
        await this.take(events.filter((event) => positionOf(event) > this.position));
        hasCome = true;
      }
    } finally {
      this.endSubscription = () => undefined;
      feed.end();
    }
  }

  private async isBehind(): Promise<boolean> {
    return (await this.source.head()) > this.position;
  }

  private async take(events: readonly EsdbEvent[]): Promise<void> {
    const last = events.at(-1);
    if (last === undefined) return;
    try {
      await this.source.handle(events);
    } catch (cause) {
      throw new HandlerError('handling what was read', { cause });
    }
    this.position = positionOf(last);
    this.lastHash = hashOf(last);
  }

  private pause(ms: number): Promise<void> {
    if (this.isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** What the handler throws ends the following; what the wire throws does not. */
class HandlerError extends Error {}

/** What a subscription brings, by the batch. */
class Arrivals {
  private isEnded = false;
  private wake = (): void => undefined;

  constructor(private readonly subscription: AllStreamSubscription) {
    subscription.on('readable', () => this.wake());
    for (const how of ['end', 'close', 'error'] as const) {
      subscription.on(how, () => {
        this.isEnded = true;
        this.wake();
      });
    }
  }

  /** All that is there, at most a batch; waits for the first. */
  async next(patienceMs: number): Promise<readonly EsdbEvent[] | 'ended' | 'silent'> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const events = this.read();
      if (events.length > 0) return events;
      if (this.isEnded) return 'ended';
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return 'silent';
      await this.arrival(leftMs);
    }
  }

  end(): void {
    this.isEnded = true;
    this.wake();
    // Its connection may never have come up: then there is nothing to end.
    this.subscription.unsubscribe().catch(() => undefined);
  }

  private read(): EsdbEvent[] {
    const events: EsdbEvent[] = [];
    while (events.length < BATCH) {
      const resolved = this.subscription.read() as AllStreamResolvedEvent | null;
      if (resolved === null) break;
      if (resolved.event !== undefined) events.push(toEsdbEvent(resolved.event));
    }
    return events;
  }

  private arrival(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
