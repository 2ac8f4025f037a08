export * from './handle-command.js';
export * from './world-fold.js';
