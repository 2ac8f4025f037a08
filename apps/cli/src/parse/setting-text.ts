import type { Settings } from '@shiplog/api-client';
import { parseSeconds } from './quantity.js';

/** A setting as a person names and writes it. */
export interface Setting {
  readonly field: keyof Settings;
  readonly help: string;
  readonly parse: (text: string) => Settings[keyof Settings];
}

export const seconds =
  (name: string) =>
  (text: string): number =>
    parseSeconds(name, text);
