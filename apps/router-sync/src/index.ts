export * from './start-router-sync.js';
export { ensureHaproxy, renderConfigFile } from './routes/haproxy.js';
