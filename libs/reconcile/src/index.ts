export * from './reconcile-loop.js';
