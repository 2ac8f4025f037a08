export * from './esdb-event-log.js';
export * from './esdb-importer.js';
export type { Credentials } from './esdb-api.js';
export type { EsdbFacts } from './inspect-access.js';
