export * from './commits.js';
export * from './event-log.contract.js';
export * from './changes-after.js';
export { samples } from '../golden/samples.js';
