export { domainIdOf } from './apply.js';
export { startProcessManagers, type ProcessManagersOptions } from './process-managers.js';
