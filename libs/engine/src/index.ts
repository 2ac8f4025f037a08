export * from './engine.js';
export { NoAnswerError } from './patience.js';
