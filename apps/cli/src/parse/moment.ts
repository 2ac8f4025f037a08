import { usageError } from '../exit-code.js';

/** A sequence, or a position in the log with or without its zeros. */
const SEQUENCE = /^\d{1,20}(?:-\d{4})?$/;
const AGO = /^(\d{1,6})\s*(s|m|min|h|d)(?:\s+ago)?$/;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

/** A moment in the past as the API takes it: a sequence as it is, a time or "10m" as a UTC time. */
export const parseMoment = (text: string, nowMs: number): string => {
  if (SEQUENCE.test(text)) return text;
  const ago = AGO.exec(text.trim());
  if (ago !== null) {
    const ms = Number(ago[1]) * (SECONDS[ago[2] ?? 's'] ?? 1) * 1000;
    return new Date(nowMs - ms).toISOString();
  }
  const ms = parseTime(text);
  if (Number.isNaN(ms)) {
    throw usageError(
      `"${text}" is not a moment`,
      'Write a time (2026-11-21T10:00:00Z), how long ago (10m, 2h, 3d), or a sequence from `shiplog events`.',
    );
  }
  return new Date(ms).toISOString();
};

/** A time to come, as UTC; one without a zone is by the clock of this machine. */
export const parseFuture = (name: string, text: string, nowMs: number): string => {
  const ms = /^[\d-]+T\d{2}:\d{2}/.test(text) ? parseTime(text) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw usageError(`${name}: "${text}" is no time`, 'Write for example 2026-12-24T18:00Z.');
  }
  if (ms <= nowMs) throw usageError(`${name}: ${text} is over`, 'Name a time in the future.');
  return bounded(name, ms);
};

/** So many seconds from now, as UTC. */
export const inSeconds = (name: string, seconds: number, nowMs: number): string =>
  bounded(name, nowMs + seconds * 1000);

/** Years of the API have four digits. */
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

const bounded = (name: string, ms: number): string => {
  if (ms <= LATEST_MS) return new Date(ms).toISOString();
  throw usageError(`${name}: that is after the year 9999`, 'Leave it out for one without an end.');
};

const parseTime = (text: string): number => {
  const date = /^\d{4}-\d{2}-\d{2}/.exec(text)?.[0];
  // A day that its month has not would be taken for one of the next month.
  const isDay = date !== undefined && new Date(`${date}T00:00Z`).toJSON()?.startsWith(date);
  return isDay === true ? Date.parse(text) : Number.NaN;
};
