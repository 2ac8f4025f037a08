import type { Finding } from '../platform.routes.js';

/** What a look came to. Verdicts are pure: what was seen goes in, what to say comes out. */
export type Verdict = Pick<Finding, 'state' | 'summary' | 'remedy'>;

export const ok = (summary: string): Verdict => ({ state: 'ok', summary, remedy: null });
export const bad = (state: 'warning' | 'failed', summary: string, remedy: string): Verdict => ({
  state,
  summary,
  remedy,
});

/** `3 min`, in the largest unit that fits. */
export const spanOf = (ms: number): string => {
  const units: readonly (readonly [string, number])[] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ];
  const [unit, size] = units.find(([, unitMs]) => ms >= unitMs) ?? ['s', 1_000];
  return `${Math.max(0, Math.floor(ms / size))} ${unit}`;
};

export const agoOf = (time: string, nowMs: number): string =>
  `${spanOf(nowMs - Date.parse(time))} ago`;
