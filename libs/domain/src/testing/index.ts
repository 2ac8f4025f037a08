export * from './facts.js';
export * from './given.js';
