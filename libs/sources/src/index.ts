export * from './source-store.js';
