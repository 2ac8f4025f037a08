/** So many commits at once after a quiet time, and then one every ten seconds: at most 16 in any minute. */
const BURST = 10;
const INTERVAL_MS = 10_000;

/** When the next commit may be written: a bucket of turns that fills slowly. */
export class Pace {
  private turns = BURST;
  private countedAtMs = 0;

  /** Milliseconds until there is a turn; 0 when there is one. */
  waitMs(nowMs: number): number {
    this.fill(nowMs);
    return this.turns >= 1 ? 0 : Math.ceil((1 - this.turns) * INTERVAL_MS);
  }

  take(nowMs: number): void {
    this.fill(nowMs);
    this.turns -= 1;
  }

  private fill(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.countedAtMs);
    this.turns = Math.min(BURST, this.turns + passedMs / INTERVAL_MS);
    this.countedAtMs = nowMs;
  }
}
