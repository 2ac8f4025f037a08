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

/**
 * A newer Shiplog wrote to this log than the one that reads it. Nobody goes on: what was passed over would be
 * missing from every decision after it.
 */
export class LogNewerError extends Error {
  readonly code = 'log-newer';
  readonly retryable = false;
  constructor(
    what: string,
    readonly position: string,
  ) {
    super(
      `the commit at ${Number(position)} was written by a newer Shiplog than this one: ${what}. ` +
        'Start the version again that ran here last, or a newer one; nothing was changed',
    );
    this.name = 'LogNewerError';
  }
}

/** A bug: a decider made an event that its own schema does not allow. Nothing was written. */
export class EventInvalidError extends Error {
  readonly code = 'event-invalid';
  readonly retryable = false;
  constructor(doing: string) {
    super(doing);
    this.name = 'EventInvalidError';
  }
}

/** Somebody remembers commits that the log does not have: it was replaced, or restored from a backup. */
export class LogWentBackError extends Error {
  readonly code = 'log-went-back';
  readonly retryable = false;
  constructor(
    remembered: { readonly position: string; readonly by: string; readonly remedy: string },
    head: string,
  ) {
    super(
      `the log went back in time: ${remembered.by} hold the commits up to ${Number(remembered.position)}, ` +
        `but the log ${head < remembered.position ? `ends at ${Number(head)}` : 'has another commit at that place'}. ` +
        'Restore the newer log; or, to go on with this one and lose what is missing, ' +
        `${remembered.remedy}: it is made again from the log at the next start`,
    );
    this.name = 'LogWentBackError';
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
