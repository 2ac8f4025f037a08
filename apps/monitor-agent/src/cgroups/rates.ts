import type { Sample } from './sample.js';

/** Cores in use between two samples; null for the first one and after the counter started anew. */
export const coresInUse = (before: Sample | undefined, after: Sample): number | null => {
  if (before === undefined) return null;
  const seconds = (after.atMs - before.atMs) / 1000;
  const used = after.cpuSeconds - before.cpuSeconds;
  if (seconds <= 0 || used < 0) return null;
  return Math.round((used / seconds) * 10_000) / 10_000;
};
