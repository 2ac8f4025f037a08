import type { AppEvent } from '@shiplog/events';
import type { Decider } from '../decider.js';
import type { AppCommand, AppRejection } from './commands.js';
import { decide } from './decide.js';
import { evolve, initialState, type AppState } from './state.js';

export const app: Decider<AppState, AppCommand, AppEvent, AppRejection> = {
  initialState,
  decide,
  evolve,
};
export { OPEN_TO_ALL, withBasicAuth, type BasicAuth } from './basic-auth.js';
export { BASIC_AUTH_USER_COUNT_MAX } from './change-basic-auth.js';
export * from './checks.js';
export type { AppCommand, AppRejection, FrozenBy, Gate } from './commands.js';
export { VOLUME_COUNT_MAX } from './decide-volumes.js';
export {
  BACKUP_AS_IT_IS,
  evolveVolumes,
  exclusiveVolumeOf,
  runningOnceOf,
  volumesOf,
  type KnownVolume,
  type Volumes,
} from './volumes.js';
export { CONFIG_BYTES_MAX, INSTANCE_COUNT_MAX } from './decide.js';
export { PLAIN_USE, isSameUse, useOf, useText } from './domain-uses.js';
export { DOMAIN_COUNT_MAX } from './domains.js';
export {
  evolvePorts,
  isReached,
  PORT_COUNT_MAX,
  portsOf,
  portText,
  type KnownPort,
  type Ports,
} from './ports.js';
export { CRON_JOB_COUNT_MAX } from './cron.js';
export type { KnownCronJob } from './cron-jobs.js';
export {
  DEFAULT_SETTINGS,
  type ActiveApp,
  type AppState,
  type Config,
  type Release,
  type RolloutPromote,
  type RequestedBuild,
} from './state.js';
export { isSameLimits, isSameValue, limitsOf, LIMITS, TAKES_EFFECT } from './resources.js';
export { gateRejection } from './gate.js';
export { TRAFFIC_PARTS, trafficIdentity, trafficText, trafficWords } from './traffic.js';
export { activeLock, type Lock } from './lock.js';
