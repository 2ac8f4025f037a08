interface Timer {
  readonly atMs: number;
  readonly then: () => void;
}

/** More things than this do not happen at once, unless one of them causes itself. */
const MOST_IN_ONE_MOMENT = 1000;

/** Time that passes only when nothing is left to do: an hour takes as long as what happens in it. */
export class VirtualClock {
  nowMs = Date.parse('2026-01-01T00:00:00Z');
  /** The next one last. */
  private readonly timers: Timer[] = [];
  private inOneMoment = 0;

  /** What it returns calls that off. */
  after(ms: number, then: () => void): () => void {
    const timer = { atMs: this.nowMs + Math.max(0, Math.ceil(ms)), then };
    let at = this.timers.length;
    while (at > 0 && (this.timers[at - 1]?.atMs ?? 0) <= timer.atMs) at -= 1;
    this.timers.splice(at, 0, timer);
    return () => {
      const index = this.timers.indexOf(timer);
      if (index >= 0) this.timers.splice(index, 1);
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const callOff = this.after(ms, () => {
        signal?.removeEventListener('abort', wake);
        resolve();
      });
      const wake = (): void => {
        callOff();
        resolve();
      };
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  /** Lets everything happen that is due by then, one thing after the other. */
  async run(untilMs: number): Promise<void> {
    for (;;) {
      await everythingSaid();
      const next = this.timers.at(-1);
      if (next === undefined || next.atMs > untilMs) break;
      this.timers.pop();
      this.inOneMoment = next.atMs === this.nowMs ? this.inOneMoment + 1 : 0;
      if (this.inOneMoment > MOST_IN_ONE_MOMENT)
        throw new Error('time does not go on: something turns in circles');
      this.nowMs = next.atMs;
      next.then();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }
}

/** All promises that can be kept without time are kept before an immediate has its turn. */
const everythingSaid = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
