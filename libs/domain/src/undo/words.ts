import type { OwnLimits, Settings } from '@shiplog/events';
import { LIMITS } from '../app/resources.js';

/** A word as a shell takes it. */
export const shellWord = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./…-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

const MIB = 1024 * 1024;

const NAMES: { readonly [F in keyof Settings]: string } = {
  port: 'port',
  protocol: 'protocol',
  healthPath: 'health-path',
  startTimeoutSeconds: 'start-timeout',
  rolloutTimeoutSeconds: 'rollout-timeout',
  drainSeconds: 'drain',
  graceSeconds: 'grace',
  memoryBytes: 'memory',
  memoryReservationBytes: 'memory-reservation',
  cpus: 'cpus',
  cpuReservation: 'cpu-reservation',
  pids: 'pids',
  releasesKept: 'releases-kept',
  strategy: 'strategy',
  batch: 'batch',
  batchPauseSeconds: 'batch-pause',
  retainSeconds: 'retain',
  canarySteps: 'canary-steps',
  canaryMatch: 'canary-match',
  canaryStepSeconds: 'canary-step',
  canaryPromote: 'canary-promote',
  canaryRequests: 'canary-requests',
  canaryErrorPoints: 'canary-errors',
  canaryLatencyPercent: 'canary-latency',
  ioWeight: 'io-weight',
  ioReadBps: 'io-read',
  ioWriteBps: 'io-write',
  ioReadIops: 'io-read-ops',
  ioWriteIops: 'io-write-ops',
  ulimits: 'ulimits',
  shmBytes: 'shm',
  readOnlyRoot: 'read-only',
  tmpfs: 'tmpfs',
  runtime: 'runtime',
  stopFirst: 'stop-first',
};

/** A setting as the CLI names it. */
export const settingName = (field: keyof Settings): string => NAMES[field];

/** The value of a setting as the CLI takes it. */
export const settingText = (field: keyof Settings, value: Settings[keyof Settings]): string => {
  if (value === null) return field === 'port' ? 'auto' : 'none';
  if (typeof value === 'object') return tableText(value);
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (field.endsWith('Bytes') || field.endsWith('Bps')) return bytesText(Number(value));
  return field.endsWith('Seconds') ? `${value}s` : String(value);
};

export const bytesText = (bytes: number): string =>
  bytes % MIB === 0 ? `${bytes / MIB}M` : String(bytes);

/** `nofile=1024:2048,nproc=100:100`, `/tmp:64M,/run:16M`. */
const tableText = (
  value: Settings['ulimits'] | Settings['tmpfs'] | Settings['stopFirst'],
): string => {
  const words = Array.isArray(value)
    ? value.map((one) =>
        typeof one === 'string' ? one : `${one.path}:${bytesText(one.sizeBytes)}`,
      )
    : Object.entries(value).map(([name, { soft, hard }]) => `${name}=${soft}:${hard}`);
  return words.length === 0 ? 'none' : words.join(',');
};

/** Own limits of a process type as `resize` takes them. */
export const limitsText = (limits: OwnLimits): string => {
  const words = LIMITS.flatMap((field) => {
    const value = limits[field];
    return value === undefined ? [] : `${NAMES[field]}:${settingText(field, value)}`;
  });
  return words.length === 0 ? 'default' : words.join(',');
};

export const formationText = (formation: Readonly<Record<string, number>>): string =>
  Object.entries(formation)
    .map(([process, count]) => `${process}=${count}`)
    .join(' ');
