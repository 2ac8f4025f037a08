export * from './bus.port.js';
export * from './in-memory-bus.js';
export * from './nats-bus.js';
export type { BusOptions } from './subject-bus.js';
