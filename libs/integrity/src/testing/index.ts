export * from './damage.js';
export * from './export.js';
export * from './history.js';
export * from './memory-store.js';
