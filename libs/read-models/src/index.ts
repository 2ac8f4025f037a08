export * from './documents.js';
export {
  AtUnknownError,
  LogWentBackError,
  NotReachedError,
  ReadModelsUnavailableError,
} from './errors.js';
export type * from './read-models.port.js';
export { databaseOf, startReadModels, type ReadModelsOptions } from './read-models.js';
export { describeDatabase, type Database } from './sql/database.js';
