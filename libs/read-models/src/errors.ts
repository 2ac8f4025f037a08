/** The SQL database cannot be reached or refuses to work. */
export class ReadModelsUnavailableError extends Error {
  readonly code = 'read-models-unavailable';
  readonly retryable = true;
  constructor(doing: string, options?: ErrorOptions) {
    super(doing, options);
    this.name = 'ReadModelsUnavailableError';
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

/** Also of one that came from another thread, without its class. */
export const isFenced = (error: unknown): error is ProjectionFencedError =>
  error instanceof Error && 'code' in error && error.code === 'projection-fenced';

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

/** More people look at different moments of the past than can be answered. */
export class PastCrowdedError extends Error {
  readonly code = 'past-crowded';
  readonly retryable = true;
  constructor() {
    super('too many looks into the past wait for their turn');
    this.name = 'PastCrowdedError';
  }
}
