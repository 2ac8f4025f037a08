export interface LogTimes {
  /** One question to the server: a publish, a look, a read. Default 2 s. */
  readonly attemptTimeoutMs: number;
  /** All attempts together, the last one included. Default 8 s, which outlasts a restart of nats-server. */
  readonly deadlineMs: number;
}

/** The time one call has for all its attempts. */
export class Deadline {
  private readonly at: number;

  constructor(private readonly times: LogTimes) {
    this.at = performance.now() + times.deadlineMs;
  }

  get isOver(): boolean {
    return performance.now() >= this.at;
  }

  /** At least 1, as a timer wants it. */
  get leftMs(): number {
    return Math.max(1, this.at - performance.now());
  }

  /** What the next attempt may take: never more than is left. */
  get attemptMs(): number {
    return Math.min(this.times.attemptTimeoutMs, this.leftMs);
  }
}
