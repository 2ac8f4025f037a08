export * from './start-test-nats.js';
