import type { Counted } from './tally.js';

/** Where the lines of a proxy come from. Every adapter passes `describeAccess`. */
export interface AccessSource {
  /**
   * Passes on what the proxy writes from now on, in the form of `parse-line.ts`, until it is stopped. Never
   * holds a request up: what is not read in time is lost. It goes on by itself when the proxy was away.
   */
  start(sink: AccessSink): () => Promise<void>;

  /** Instance of a server as the proxy names it in a line; null where nobody has that place. */
  instanceOf(server: string): string | null;

  /** As the proxy counts now; while it is away, as it did last. */
  counted(): Promise<Counted>;
}

export interface AccessSink {
  onLine(line: string): void;
  /** So many were left out because nobody read them in time. */
  onLost(count: number): void;
}
