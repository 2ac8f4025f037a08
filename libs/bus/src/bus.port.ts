/**
 * What flows between processes and is not truth: telemetry, and requests for logs, exec and run.
 * Subjects say who speaks: a process publishes on `tel.<itself>.>` only and is asked on `rpc.<itself>.>`,
 * so the server's permissions keep one process from speaking for another. Replies are telemetry, too.
 */
export interface Bus {
  /** Sends JSON on `tel.<own process>.<topic>`. At most once: nobody may be listening. */
  publish(topic: string, data: unknown): void;

  /** Receives `tel.<process>.<topic>`; `topic` may end in `>`. Returns the way to end it. */
  listen(
    process: string,
    topic: string,
    handler: (data: unknown, topic: string) => void,
  ): () => void;

  /** Asks `rpc.<process>.<operation>`. Rejects with `BusError` when nobody answers in time, or with what was answered. */
  request(
    process: string,
    operation: string,
    input: unknown,
    options?: { timeoutMs?: number },
  ): Promise<unknown>;

  /** Answers `rpc.<own process>.<operation>`. What the handler throws reaches the asker as `BusError` with its `code`. */
  serve(operation: string, handler: (input: unknown) => Promise<unknown>): () => void;

  /** Opens a two-way session with a process. Frames keep their order. Rejects when nobody accepts in time. */
  open(process: string, operation: string, input: unknown): Promise<Session>;

  /** Accepts sessions. What the handler throws closes the session with that error. */
  serveSessions(
    operation: string,
    handler: (input: unknown, session: Session) => Promise<void>,
  ): () => void;

  close(): Promise<void>;
}

/** One frame: JSON head, and bytes where there are any (terminal output, log lines). */
export interface Frame {
  readonly kind: string;
  readonly head?: Readonly<Record<string, unknown>>;
  readonly bytes?: Uint8Array;
}

export interface Session {
  send(frame: Frame): void;
  /** One listener; frames that came before it are kept for it. */
  onFrame(listener: (frame: Frame) => void): void;
  /** Ends the session on both sides. */
  end(error?: { code: string; message: string }): void;
  /** Settles once, when either side ended it, with the error if there was one; also when the peer fell silent (heartbeats). */
  readonly ended: Promise<{ code: string; message: string } | undefined>;
}

export class BusError extends Error {
  readonly retryable = true;
  constructor(
    /** `no-answer`, or the code that the other side gave. */
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'BusError';
  }
}
