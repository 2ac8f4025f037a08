import { setTimeout as timeout } from 'node:timers/promises';

/** Resolves after that time, or as soon as the signal says that nobody waits any more. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export const sleepReally: Sleep = (ms, signal) =>
  timeout(ms, undefined, { signal }).catch(() => undefined);
