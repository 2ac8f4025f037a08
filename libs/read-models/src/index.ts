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
export type { StartReading } from './reading/read-ahead.js';
export { serveReading, type Stretch } from './reading/reading-thread.js';
export {
  catchUpReadModels,
  databaseOf,
  startReadModels,
  type ReadModelsOptions,
} from './read-models.js';
export { describeDatabase, type Database } from './sql/database.js';
export type { DocumentDifference } from './check/differences.js';
export { FoldedLog, type Comparison, type ModelFailure } from './check/folded-log.js';
export type { Change } from './replay/changes.js';
export type { Fact } from './replay/facts.js';
export { collectState, type ReplayState } from './replay/collect.js';
export { changesBetween, type Between } from './replay/replay.js';
export { summaryOf, type AppSummary } from './replay/summary.js';
export { timeOf } from './time/log-times.js';
export type { MakePast, PastJob } from './time/make-past.js';
export type { PastLog } from './time/past-log.js';
export { Queue } from './time/queue.js';
export { makePastInThread, servePast } from './time/past-thread.js';
