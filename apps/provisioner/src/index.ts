export * from './assert-streams.js';
export * from './ensure-nats-server.js';
export * from './find-nats-server.js';
export * from './inspect-server.js';
export * from './prove-durability.js';
export * from './provision.js';
export * from './server-process.js';
export * from './write-nats-config.js';
