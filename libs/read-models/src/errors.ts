/** The SQL database cannot be reached or refuses to work. */
export class ReadModelsUnavailableError extends Error {
  readonly code = 'read-models-unavailable';
  readonly retryable = true;
  constructor(doing: string, options?: ErrorOptions) {
    super(doing, options);
    this.name = 'ReadModelsUnavailableError';
  }
}

/** The read models know commits that the log does not have: it was replaced or restored from a backup. */
export class LogWentBackError extends Error {
  readonly code = 'log-went-back';
  readonly retryable = false;
  constructor(
    readonly checkpoint: string,
    readonly head: string,
    where: string,
  ) {
    super(
      `the log went back in time: the read models in ${where} hold the commits up to ${Number(checkpoint)}, ` +
        `but the log ${head < checkpoint ? `ends at ${Number(head)}` : 'has another commit at that place'}. ` +
        'Restore the newer log; or, to go on with this one and lose what is missing, delete that ' +
        'database: it is made again from the log at the next start',
    );
    this.name = 'LogWentBackError';
  }
}

/** Somebody else moved the checkpoint since it was read. Nothing was written. */
export class ProjectionFencedError extends Error {
  readonly code = 'projection-fenced';
  readonly retryable = true;
  constructor(readonly expected: string) {
    super(`another projector moved the checkpoint on from ${expected}`);
    this.name = 'ProjectionFencedError';
  }
}

/** `?at=` names no moment of this log. */
export class AtUnknownError extends Error {
  readonly code = 'at-unknown';
  readonly retryable = false;
  constructor(problem: string) {
    super(
      `${problem}; give a sequence (${'0'.repeat(18)}42-0000), a position (42), ` +
        'or a time (2026-11-21T10:00:00Z) that is not in the future',
    );
    this.name = 'AtUnknownError';
  }
}

/** What was written a moment ago is not in the documents yet. */
export class NotReachedError extends Error {
  readonly code = 'read-models-behind';
  readonly retryable = true;
  constructor(
    readonly wanted: string,
    readonly reached: string,
    timeoutMs: number,
  ) {
    super(
      `the read models are at ${Number(reached)} and did not reach ${Number(wanted)} ` +
        `in ${timeoutMs} ms; ask again in a moment`,
    );
    this.name = 'NotReachedError';
  }
}
