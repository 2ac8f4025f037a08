import type { Settings } from '@shiplog/events';

/** Is a setting part of what an instance was made with, so that a change of it needs new instances? */
export const SETTING_RESTARTS: { readonly [F in keyof Required<Settings>]: boolean } = {
  port: true,
  healthPath: true,
  startTimeoutSeconds: false,
  rolloutTimeoutSeconds: false,
  drainSeconds: false,
  graceSeconds: false,
  memoryBytes: true,
  cpus: true,
  pids: true,
  releasesKept: false,
  strategy: false,
  batch: false,
  batchPauseSeconds: false,
  retainSeconds: false,
  canarySteps: false,
  canaryStepSeconds: false,
  canaryPromote: false,
  canaryRequests: false,
  canaryErrorPoints: false,
  canaryLatencyPercent: false,
};

export const needsNewInstances = (changes: Partial<Settings>): boolean =>
  (Object.keys(changes) as (keyof Settings)[]).some((field) => SETTING_RESTARTS[field]);
