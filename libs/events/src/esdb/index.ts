export * from './esdb-event-log.js';
export type { EsdbFacts } from './inspect-access.js';
