export { createFile } from './durable-file.js';
export * from './errors.js';
export * from './key-store.js';
export * from './keyring.js';
export * from './master-key.js';
