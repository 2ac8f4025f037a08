import { LogUnavailableError, type EventLog, type LogFeed } from '@shiplog/events/log';

interface Readiness {
  readonly ready: boolean;
  /** Why not, in words. */
  readonly reason: string | null;
}

const PROBE_MS = 1_000;
const PATIENCE_MS = 2_000;
/** As long a failed append speaks against us, if none succeeded since. */
const FAILED_APPEND_MS = 30_000;

/**
 * Can a command be carried out now? Asks the leader of the log for its head and waits until this process
 * has read up to it. Nothing is appended to find out (that would fill the log for ever with nothing);
 * instead the newest real append counts: after one that failed we are not ready until one succeeds or
 * some time has passed. One answer serves everybody for a second.
 */
export class ReadinessProbe {
  private asked: { readonly atMs: number; readonly answer: Promise<Readiness> } | undefined;
  private failedAtMs = -Infinity;

  constructor(
    private readonly log: Pick<EventLog, 'head'>,
    private readonly feed: Pick<LogFeed, 'reach'>,
    private readonly now: () => number = Date.now,
  ) {}

  appendSucceeded(): void {
    this.failedAtMs = -Infinity;
  }

  appendFailed(error: unknown): void {
    if (error instanceof LogUnavailableError) this.failedAtMs = this.now();
  }

  check(): Promise<Readiness> {
    const nowMs = this.now();
    if (this.asked === undefined || nowMs - this.asked.atMs >= PROBE_MS) {
      this.asked = { atMs: nowMs, answer: this.probe(nowMs) };
    }
    return this.asked.answer;
  }

  private async probe(nowMs: number): Promise<Readiness> {
    if (nowMs - this.failedAtMs < FAILED_APPEND_MS) {
      return { ready: false, reason: 'the log refused the newest change' };
    }
    try {
      const head = await within(this.log.head(), PATIENCE_MS);
      await this.feed.reach(head, PATIENCE_MS);
      return { ready: true, reason: null };
    } catch {
      return { ready: false, reason: 'the log does not answer, or is not read to its end' };
    }
  }
}

const within = async <T>(promise: Promise<T>, ms: number): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};
