import type { Position, Sequence } from '@shiplog/events';
import type { ModelName } from './documents.js';
import type { ModelDifference } from './read-models.port.js';

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

/** One projection cannot make its documents from a commit. The others can. */
export class ProjectionFailedError extends Error {
  readonly code = 'projection-failed';
  readonly retryable = false;
  constructor(
    readonly model: ModelName,
    /** Null: somewhere in the batch that was written at once. */
    readonly at: { readonly position: Position; readonly sequence: Sequence } | null,
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(
      `the read model ${model} cannot be made from ` +
        `${at === null ? 'a batch of commits' : `the event ${at.sequence}`}: ${problem}`,
      options,
    );
    this.name = 'ProjectionFailedError';
  }
}

/** Also of one that came from another thread, without its class. */
export const isProjectionFailed = (error: unknown): error is ProjectionFailedError =>
  error instanceof Error && 'code' in error && error.code === 'projection-failed';

/** The documents of this model stand still at an earlier place of the log than was asked for. */
export class ModelParkedError extends Error {
  readonly code = 'read-model-parked';
  readonly retryable = false;
  constructor(
    readonly model: ModelName,
    readonly sequence: Sequence,
    readonly problem: string,
  ) {
    super(`the read model ${model} is parked: it cannot be made from ${sequence} (${problem})`);
    this.name = 'ModelParkedError';
  }
}

/** Another rebuild is under way. */
export class RebuildRunningError extends Error {
  readonly code = 'rebuild-running';
  readonly retryable = true;
  constructor(what: string) {
    super(`a rebuild of ${what} is under way`);
    this.name = 'RebuildRunningError';
  }
}

/** There is no rebuild to cancel. */
export class NoRebuildError extends Error {
  readonly code = 'no-rebuild';
  readonly retryable = false;
  constructor() {
    super('no rebuild is under way');
    this.name = 'NoRebuildError';
  }
}

export class RebuildCancelledError extends Error {
  readonly code = 'rebuild-cancelled';
  readonly retryable = false;
  constructor() {
    super('the rebuild was cancelled; what is served did not change');
    this.name = 'RebuildCancelledError';
  }
}

/** The same code made other documents from the same log: one of the two is not right. */
export class RebuildDiffersError extends Error {
  readonly code = 'rebuild-differs';
  readonly retryable = false;
  constructor(readonly differences: readonly ModelDifference[]) {
    super(
      'the rebuilt documents are not those that are served, though the same code made both: ' +
        differences.map(({ model, keys }) => `${model} (${keys.join(', ')})`).join('; '),
    );
    this.name = 'RebuildDiffersError';
  }
}
