export * from './app.js';
export * from './backup.js';
export * from './audit.js';
export { basicAuthUser, PASSWORD_HASH_PATTERN } from './basic-auth.js';
export {
  certificateDomain,
  httpsPolicy,
  type AcmeChallenge,
  type CertificateEvent,
  type CertificateFacts,
  type HttpsEvent,
  type HttpsPolicy,
} from './certificates.js';
export * from './checks.js';
export * from './commit.js';
export * from './domains.js';
export * from './event.js';
export { eventTypes } from './event-types.js';
export * from './facts.js';
export {
  cronWindow,
  freeze,
  freezeName,
  freezeWindow,
  weeklyWindow,
  type Freeze,
  type FreezeEvent,
  type FreezeWindow,
} from './gates.js';
export * from './identity.js';
export * from './ids.js';
export * from './keys.js';
export {
  addressRange,
  maintenance,
  MAINTENANCE_ALLOW_MAX,
  MAINTENANCE_PAGE_BYTES_MAX,
  type Maintenance,
} from './maintenance.js';
export type { PortEvent } from './ports.js';
export * from './registry.js';
export * from './resources.js';
export * from './run.js';
export * from './sequence.js';
export { CANARY_MATCH_PATTERN, rolloutStrategy, type RolloutStrategy } from './strategy.js';
export {
  HEADER_NAME_PATTERN,
  HEADER_VALUE_PATTERN,
  isOwnHeader,
  trafficPolicy,
  type HeaderChanges,
  type TrafficPolicy,
} from './traffic.js';
export * from './upcast.js';
export * from './values.js';
export * from './volume.js';
export * from './who.js';
