import { faultPoint } from '@shiplog/runtime';

/**
 * Every place where tests kill the deployer, in the order in which a deploy passes them:
 * before and after each append and each engine call. Set SHIPLOG_FAULT to `deployer/<name>`.
 */
export const FAULTS = [
  'before-start-rollout',
  'after-start-rollout',
  'before-step-rollout',
  'after-step-rollout',
  'before-schedule',
  'after-schedule',
  'before-create',
  'after-create',
  'before-start',
  'after-start',
  'before-record-started',
  'after-record-started',
  'before-record-ready',
  'after-record-ready',
  'before-keep-running',
  'after-keep-running',
  'before-resize',
  'after-resize',
  'before-record-resized',
  'after-record-resized',
  'before-retire',
  'after-retire',
  'before-stop',
  'after-stop',
  'before-record-signalled',
  'after-record-signalled',
  'before-record-stopped',
  'after-record-stopped',
  'before-record-exited',
  'after-record-exited',
  'before-schedule-run',
  'after-schedule-run',
  'before-create-run',
  'after-create-run',
  'before-start-run',
  'after-start-run',
  'before-record-run-started',
  'after-record-run-started',
  'before-stop-run',
  'after-stop-run',
  'before-record-run-ended',
  'after-record-run-ended',
  'before-end-rollout',
  'after-end-rollout',
] as const;
type Fault = (typeof FAULTS)[number];

export const fault = (name: Fault): void => faultPoint(`deployer/${name}`);
