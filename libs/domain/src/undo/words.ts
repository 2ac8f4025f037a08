import type { Settings } from '@shiplog/events';

/** A word as a shell takes it. */
export const shellWord = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./…-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

const MIB = 1024 * 1024;

const NAMES: { readonly [F in keyof Settings]: string } = {
  port: 'port',
  healthPath: 'health-path',
  startTimeoutSeconds: 'start-timeout',
  rolloutTimeoutSeconds: 'rollout-timeout',
  drainSeconds: 'drain',
  graceSeconds: 'grace',
  memoryBytes: 'memory',
  cpus: 'cpus',
  pids: 'pids',
  releasesKept: 'releases-kept',
  strategy: 'strategy',
  batch: 'batch',
  batchPauseSeconds: 'batch-pause',
  retainSeconds: 'retain',
  canarySteps: 'canary-steps',
  canaryStepSeconds: 'canary-step',
  canaryPromote: 'canary-promote',
  canaryRequests: 'canary-requests',
  canaryErrorPoints: 'canary-errors',
  canaryLatencyPercent: 'canary-latency',
};

/** A setting as the CLI names it. */
export const settingName = (field: keyof Settings): string => NAMES[field];

/** The value of a setting as the CLI takes it. */
export const settingText = (field: keyof Settings, value: Settings[keyof Settings]): string => {
  if (value === null) return field === 'port' ? 'auto' : 'none';
  if (field === 'memoryBytes') {
    const bytes = Number(value);
    return bytes % MIB === 0 ? `${bytes / MIB}M` : String(bytes);
  }
  return field.endsWith('Seconds') ? `${value}s` : String(value);
};

export const formationText = (formation: Readonly<Record<string, number>>): string =>
  Object.entries(formation)
    .map(([process, count]) => `${process}=${count}`)
    .join(' ');
