import { LogUnavailableError, type EventLog, type LogFeed } from '@shiplog/events/log';

interface Readiness {
  readonly ready: boolean;
  /** Why not, in words. */
  readonly reason: string | null;
}

/** One answer serves everybody for so long. */
const ANSWER_MS = 1_000;
const PATIENCE_MS = 2_000;
/** So long something stored proves that more can be. */
const STORED_MS = 10_000;
/** As long a failed append speaks against us, if none succeeded since. */
const FAILED_APPEND_MS = 30_000;

/**
 * Can this process do its work now? Something was stored in the last seconds, a commit of its own or else
 * a probe beside the log; the leader tells the head of the log, and it was read up to there.
 */
export class ReadinessProbe {
  private asked: { readonly atMs: number; readonly answer: Promise<Readiness> } | undefined;
  private storedAtMs = -Infinity;
  private failedAtMs = -Infinity;

  constructor(
    private readonly log: Pick<EventLog, 'head' | 'probe'>,
    private readonly feed: Pick<LogFeed, 'reach'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  appendSucceeded(): void {
    this.storedAtMs = this.now();
    this.failedAtMs = -Infinity;
  }

  appendFailed(error: unknown): void {
    if (error instanceof LogUnavailableError) this.failedAtMs = this.now();
  }

  check(): Promise<Readiness> {
    const nowMs = this.now();
    if (this.asked === undefined || nowMs - this.asked.atMs >= ANSWER_MS) {
      this.asked = { atMs: nowMs, answer: this.look(nowMs) };
    }
    return this.asked.answer;
  }

  private async look(nowMs: number): Promise<Readiness> {
    if (nowMs - this.failedAtMs < FAILED_APPEND_MS)
      return notReady('the log refused the newest change');
    const [stored, read] = await Promise.allSettled([this.store(nowMs), this.read()]);
    if (stored.status === 'rejected') return notReady('the log stores nothing');
    if (read.status === 'rejected') {
      return notReady('the log does not answer, or is not read to its end');
    }
    return { ready: true, reason: null };
  }

  private async store(nowMs: number): Promise<void> {
    if (nowMs - this.storedAtMs < STORED_MS) return;
    await within(this.log.probe(), PATIENCE_MS);
    this.storedAtMs = Math.max(this.storedAtMs, nowMs);
  }

  private async read(): Promise<void> {
    const head = await within(this.log.head(), PATIENCE_MS);
    await this.feed.reach(head, PATIENCE_MS);
  }
}

const notReady = (reason: string): Readiness => ({ ready: false, reason });

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
