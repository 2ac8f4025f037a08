import { usageError } from '../exit-code.js';

const SECONDS: Readonly<Record<string, number>> = {
  '': 1,
  s: 1,
  m: 60,
  min: 60,
  h: 3600,
  d: 86_400,
};
const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

/** `90`, `90s`, `5m`, `2h`, `30d` in seconds. */
export const parseSeconds = (name: string, text: string): number => {
  const match = /^(\d{1,9})(s|m|min|h|d|)$/.exec(text.trim());
  const factor = SECONDS[match?.[2] ?? ''];
  if (match === null || factor === undefined) {
    throw usageError(
      `${name}: "${text}" is not a duration`,
      'Write for example 30s, 5m, 2h or 30d.',
    );
  }
  return Number(match[1]) * factor;
};

/** `500ms`, `1.5s`, `2m` in milliseconds. */
export const parseMilliseconds = (name: string, text: string): number => {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s|m)$/.exec(text.trim());
  if (match === null) {
    throw usageError(
      `${name}: "${text}" is not a duration`,
      'Write for example 500ms, 1.5s or 2m.',
    );
  }
  return Math.round(Number(match[1]) * { ms: 1, s: 1000, m: 60_000 }[match[2] as 'ms' | 's' | 'm']);
};

/** `256M`, `1.5g`, `512MiB` in bytes; letters count in steps of 1024. */
export const parseBytes = (name: string, text: string): number => {
  const match = /^(\d{1,15}(?:\.\d{1,3})?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const factor = BYTES[(match?.[2] ?? '').toLowerCase()];
  if (match === null || factor === undefined) {
    throw usageError(`${name}: "${text}" is not a size`, 'Write for example 256M or 1.5G.');
  }
  return Math.round(Number(match[1]) * factor);
};

/** A whole number in its bounds. */
export const parseInteger =
  (name: string, min: number, max: number) =>
  (text: string): number => {
    const value = /^[+-]?\d{1,15}$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (!Number.isInteger(value) || value < min || value > max) {
      throw usageError(`${name}: "${text}" is not a whole number from ${min} to ${max}`);
    }
    return value;
  };

/** Or the words for leaving it to the platform. */
export const orAutomatic =
  <T>(parse: (text: string) => T) =>
  (text: string): T | null =>
    ['auto', 'none', ''].includes(text) ? null : parse(text);
