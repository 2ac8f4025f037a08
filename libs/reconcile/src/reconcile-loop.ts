/** What one round says about the next: nothing, or the moment at which time alone makes a difference. */
export interface RoundResult {
  /** Milliseconds until the next round is due even if nothing happens (a deadline, a backoff). */
  readonly nextRoundInMs?: number;
}

export interface ReconcileLoopOptions {
  readonly name: string;
  /** Observe, plan, apply. Takes no hint about what changed, so that the first round is like every other. */
  readonly round: (signal: AbortSignal) => Promise<RoundResult | undefined>;
  /** A round starts at least this often. Default 10 s. */
  readonly resyncMs?: number;
  /**
   * After a round the next one waits for as long as that one took, at most so many milliseconds: what happens at once on a
   * busy machine is planned together. Default 0.
   */
  readonly restMsMax?: number;
  /** Called with what a round threw; the loop goes on with a growing pause. */
  readonly onError: (error: unknown) => void;
  /** Calls back after a while; what it returns calls that off. Default: this machine's clock. */
  readonly after?: (ms: number, then: () => void) => () => void;
}

export interface ReconcileLoop {
  /** Asks for a round soon. Many nudges during a round make one more round. */
  nudge(): void;
  /** Aborts the signal, waits for the running round, and starts no other. */
  stop(): Promise<void>;
}

const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 10_000;

/** One round at a time, nudged by events, repeated periodically anyway. */
export const startReconcileLoop = (options: ReconcileLoopOptions): ReconcileLoop => {
  const abort = new AbortController();
  const after = options.after ?? afterTimeout;
  const { restMsMax = 0 } = options;
  let nudged = true;
  let wake = (): void => undefined;

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const callOff = after(ms, resolve);
      wake = () => {
        callOff();
        resolve();
      };
      if (nudged || abort.signal.aborted) wake();
    });

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!abort.signal.aborted) {
      nudged = false;
      let waitMs = options.resyncMs ?? 10_000;
      const beganMs = performance.now();
      try {
        const result = await options.round(abort.signal);
        failures = 0;
        waitMs = Math.min(waitMs, result?.nextRoundInMs ?? waitMs);
      } catch (error) {
        if (abort.signal.aborted) return;
        options.onError(error);
        failures += 1;
        waitMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** failures);
      }
      const restMs = Math.min(restMsMax, performance.now() - beganMs);
      if (restMs > 0) await new Promise<void>((resolve) => void after(restMs, resolve));
      await pause(Math.max(0, waitMs - restMs));
    }
  };
  const running = run();

  return {
    nudge: () => {
      nudged = true;
      wake();
    },
    stop: async () => {
      abort.abort();
      wake();
      await running;
    },
  };
};

const afterTimeout = (ms: number, then: () => void): (() => void) => {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
};
