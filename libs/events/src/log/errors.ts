/** The log cannot be reached or refuses to write. `unknown`: the commit may or may not be in it. */
export class LogUnavailableError extends Error {
  readonly code = 'log-unavailable';
  readonly retryable = true;
  /** What stands in the way, and what would clear it, in words for people; undefined where that is not known. */
  readonly obstacle: string | undefined;
  constructor(
    doing: string,
    readonly outcome: 'not-written' | 'unknown',
    options: ErrorOptions & { readonly obstacle?: string } = {},
  ) {
    super(options.obstacle === undefined ? doing : `${doing}: ${options.obstacle}`, options);
    this.name = 'LogUnavailableError';
    this.obstacle = options.obstacle;
  }
}

/** What is stored is not what was written: a hole, a broken chain, other bytes than their hash. */
export class LogDamagedError extends Error {
  readonly code = 'log-damaged';
  readonly retryable = false;
  constructor(
    doing: string,
    readonly position: string,
    options?: ErrorOptions,
  ) {
    super(doing, options);
    this.name = 'LogDamagedError';
  }
}

/** A commit that no log would take: too large, or the same id with other bytes. */
export class CommitRefusedError extends Error {
  readonly code = 'commit-refused';
  readonly retryable = false;
  constructor(doing: string, options?: ErrorOptions) {
    super(doing, options);
    this.name = 'CommitRefusedError';
  }
}
