export { domainIdOf } from './domain-id.js';
export { dropBroughtCertificate } from './drop-certificate.js';
export { startProcessManagers, type ProcessManagersOptions } from './process-managers.js';
