export * from './encode.js';
export * from './errors.js';
export * from './event-log.port.js';
export * from './export-line.js';
export * from './feed.js';
export * from './file-snapshot-store.js';
export * from './in-memory-event-log.js';
export * from './still-there.js';
