export * from './changes-after.js';
export * from './commits.js';
export * from './event-log.contract.js';
export * from './history.js';
export { samples } from '../golden/samples.js';
export * from './as-received.js';
