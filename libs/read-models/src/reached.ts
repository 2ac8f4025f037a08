import type { Position } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import { NotReachedError } from './errors.js';

const TIMEOUT_MS = 10_000;

interface Waiter {
  readonly position: Position;
  readonly settle: (error?: Error) => void;
}

/** Lets callers wait until a position has been projected. */
export class Reached {
  private readonly waiters = new Set<Waiter>();
  private failure: Error | undefined;

  constructor(
    private readonly log: Pick<EventLog, 'compare'>,
    private position: Position,
  ) {}

  wait(position: Position, timeoutMs = TIMEOUT_MS): Promise<void> {
    if (this.log.compare(this.position, position) >= 0) return Promise.resolve();
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        position,
        settle: (error) => {
          clearTimeout(timer);
          this.waiters.delete(waiter);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      const timer = setTimeout(
        () => waiter.settle(new NotReachedError(position, this.position, timeoutMs)),
        timeoutMs,
      );
      this.waiters.add(waiter);
    });
  }

  advance(position: Position): void {
    this.position = position;
    for (const waiter of this.waiters) {
      if (this.log.compare(position, waiter.position) >= 0) waiter.settle();
    }
  }

  fail(error: Error): void {
    this.failure = error;
    for (const waiter of this.waiters) waiter.settle(error);
  }
}
