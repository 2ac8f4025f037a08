export * from './documents.js';
export {
  AtUnknownError,
  ModelParkedError,
  NoRebuildError,
  NotReachedError,
  PastCrowdedError,
  ProjectionFailedError,
  ReadModelsUnavailableError,
  RebuildCancelledError,
  RebuildDiffersError,
  RebuildRunningError,
} from './errors.js';
export type * from './read-models.port.js';
export type { Fill, FillJob } from './fill.js';
export { fillInThread, serveFill } from './fill-thread.js';
export {
  catchUpReadModels,
  databaseOf,
  startReadModels,
  type ReadModelsOptions,
} from './read-models.js';
export { describeDatabase, type Database } from './sql/database.js';
export type { MakePast, PastJob } from './time/make-past.js';
export { makePastInThread, servePast } from './time/past-thread.js';
