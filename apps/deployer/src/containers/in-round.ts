import type { Sleep } from '../probes/sleep.js';
import { EngineError } from './container-engine.port.js';

/** A round waits so long for one answer; then others have their turn. */
export const ROUND_WAITS_MS = 5000;

/** Calls to the engine that rounds wait for, because what comes next needs the answer. */
export class RoundCalls {
  /** How many of each name hang. */
  private readonly hanging = new Map<string, number>();

  constructor(private readonly sleep: Sleep) {}

  /**
   * The answer, or `no-answer` when it takes too long for a round: the call goes on, and is met again by the
   * next attempt. What hung before is not waited for again while it hangs.
   */
  async wait<T>(doing: string, call: Promise<T>): Promise<T> {
    const inTime = new AbortController();
    const waitsMs = this.hanging.has(doing) ? 0 : ROUND_WAITS_MS;
    const late = this.sleep(waitsMs, inTime.signal).then(() => {
      if (inTime.signal.aborted) return undefined;
      this.count(doing, 1);
      const isOver = (): void => this.count(doing, -1);
      call.then(isOver, isOver);
      throw new EngineError('no-answer', doing, `no answer within ${ROUND_WAITS_MS / 1000} s`);
    });
    try {
      return (await Promise.race([call, late])) as T;
    } finally {
      inTime.abort();
    }
  }

  private count(doing: string, by: 1 | -1): void {
    const count = (this.hanging.get(doing) ?? 0) + by;
    if (count === 0) this.hanging.delete(doing);
    else this.hanging.set(doing, count);
  }
}
