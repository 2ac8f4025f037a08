import type { Settings } from '@shiplog/api-client';
import { parseSeconds } from './quantity.js';

/** A setting as a person names and writes it. */
export interface Setting {
  readonly field: keyof Settings;
  readonly help: string;
  readonly parse: (text: string) => string | number | null;
}

export const seconds =
  (name: string) =>
  (text: string): number =>
    parseSeconds(name, text);

export const orAutomatic =
  <T>(parse: (text: string) => T) =>
  (text: string): T | null =>
    ['auto', 'none', ''].includes(text) ? null : parse(text);
