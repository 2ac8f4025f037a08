export * from './random.js';
export * from './start-test-nats.js';
