export * from './documents.js';
export type * from './read-models.port.js';
