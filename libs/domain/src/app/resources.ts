import type { Limits, OwnLimits, Settings } from '@shiplog/events';
import type { ActiveApp } from './state.js';

/**
 * How a changed setting comes to what runs: the deployer reads it when it needs it, changes the
 * running containers, or has to replace them by new ones.
 */
export const TAKES_EFFECT: { readonly [F in keyof Settings]: 'when-needed' | 'live' | 'replace' } =
  {
    port: 'replace',
    protocol: 'replace',
    healthPath: 'replace',
    startTimeoutSeconds: 'when-needed',
    rolloutTimeoutSeconds: 'when-needed',
    drainSeconds: 'when-needed',
    graceSeconds: 'when-needed',
    releasesKept: 'when-needed',
    memoryBytes: 'live',
    memoryReservationBytes: 'live',
    cpus: 'live',
    cpuReservation: 'live',
    pids: 'live',
    ioWeight: 'live',
    // The engine takes these when it makes a container, and never again.
    ioReadBps: 'replace',
    ioWriteBps: 'replace',
    ioReadIops: 'replace',
    ioWriteIops: 'replace',
    ulimits: 'replace',
    shmBytes: 'replace',
    readOnlyRoot: 'replace',
    tmpfs: 'replace',
    runtime: 'replace',
    stopFirst: 'when-needed',
    strategy: 'when-needed',
    batch: 'when-needed',
    batchPauseSeconds: 'when-needed',
    retainSeconds: 'when-needed',
    canarySteps: 'when-needed',
    canaryMatch: 'when-needed',
    canaryStepSeconds: 'when-needed',
    canaryPromote: 'when-needed',
    canaryRequests: 'when-needed',
    canaryErrorPoints: 'when-needed',
    canaryLatencyPercent: 'when-needed',
  };

export const LIMITS = [
  'memoryBytes',
  'memoryReservationBytes',
  'cpus',
  'cpuReservation',
  'pids',
  'ioWeight',
] as const satisfies readonly (keyof Limits)[];

type WithLimits = Pick<ActiveApp, 'settings' | 'ownLimits'>;

/** The limits of an instance of this process type: its own, else those of the app. */
export const limitsOf = ({ settings, ownLimits }: WithLimits, process: string): Limits => {
  const own = Object.hasOwn(ownLimits, process) ? (ownLimits[process] ?? {}) : {};
  const of = <F extends keyof OwnLimits>(field: F): Settings[F] =>
    own[field] === undefined ? settings[field] : own[field];
  const memoryBytes = of('memoryBytes');
  const cpus = of('cpus');
  return {
    memoryBytes,
    // What is reserved for all may be more than a smaller process can have.
    memoryReservationBytes: Math.min(of('memoryReservationBytes') ?? memoryBytes, memoryBytes),
    cpus,
    cpuReservation: Math.min(of('cpuReservation') ?? cpus, cpus),
    pids: of('pids'),
    ioWeight: of('ioWeight'),
  };
};

export const isSameLimits = (a: Limits, b: Limits): boolean =>
  LIMITS.every((field) => a[field] === b[field]);

export interface ReservationAboveLimit {
  readonly code: 'reservation-above-limit';
  readonly what: 'memory' | 'cpus';
  readonly reservation: number;
  readonly limit: number;
}

/** Nobody can be promised more than they may have. */
export const excessOf = (
  has: Pick<OwnLimits, 'memoryBytes' | 'memoryReservationBytes' | 'cpus' | 'cpuReservation'>,
): ReservationAboveLimit | null => {
  const { memoryBytes, memoryReservationBytes, cpus, cpuReservation } = has;
  const code = 'reservation-above-limit';
  if ((memoryReservationBytes ?? 0) > (memoryBytes ?? Infinity)) {
    const [reservation, limit] = [memoryReservationBytes ?? 0, memoryBytes ?? 0];
    return { code, what: 'memory', reservation, limit };
  }
  if ((cpuReservation ?? 0) > (cpus ?? Infinity)) {
    return { code, what: 'cpus', reservation: cpuReservation ?? 0, limit: cpus ?? 0 };
  }
  return null;
};

/** Settings may be lists and tables: equal is what reads the same. */
export const isSameValue = (a: unknown, b: unknown): boolean =>
  a === b || JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

const sorted = (value: unknown): unknown =>
  typeof value !== 'object' || value === null || Array.isArray(value)
    ? value
    : Object.fromEntries(
        Object.entries(value)
          .filter(([, one]) => one !== undefined)
          .toSorted(([x], [y]) => (x < y ? -1 : 1)),
      );
