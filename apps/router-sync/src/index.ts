export * from './start-router-sync.js';
export { ensureHaproxy, renderConfigFile } from './haproxy/ensure-haproxy.js';
