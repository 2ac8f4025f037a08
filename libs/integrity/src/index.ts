export * from './chain.js';
export * from './checkpoint.js';
export * from './kinds.js';
export * from './signing-key.js';
export * from './verification.js';
