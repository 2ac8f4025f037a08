import { PastCrowdedError } from '../errors.js';

/** One piece of work after the other; who comes when too many wait is told to come again. */
export class Queue {
  private tail: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(private readonly waitingMax: number) {}

  get isIdle(): boolean {
    return this.waiting === 0;
  }

  /** Does not begin what nobody waits for any more when its turn comes. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.waiting >= this.waitingMax) return Promise.reject(new PastCrowdedError());
    this.waiting += 1;
    const result = this.tail
      .then(() => {
        signal.throwIfAborted();
        return work();
      })
      .finally(() => (this.waiting -= 1));
    this.tail = result.catch(() => undefined);
    return result;
  }
}
