export { recordHistory, type HistoryOptions } from './history.js';
export { ANN, asProcess, BOB, RecordedPlatform, seededRandom } from './platform.js';
export { digestOf, explanationOf, imageOf } from './values.js';
export { startPostgres, type PostgresServer } from './postgres.js';
