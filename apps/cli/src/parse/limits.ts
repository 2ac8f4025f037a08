import type { LimitsChange } from '@shiplog/api-client';
import { closest } from '../closest.js';
import { usageError } from '../exit-code.js';
import { LIMIT_SETTINGS } from './resources.js';

const NAMES = Object.keys(LIMIT_SETTINGS) as (keyof typeof LIMIT_SETTINGS)[];
const EXAMPLE = 'For example: shiplog resize web=512M,1cpu';

/** `512M,1cpu,200pids`, `memory:512M,cpu-reservation:0.5`, `default`: limits of one process type. */
export const parseLimits = (text: string): Omit<LimitsChange, 'process'> => {
  const words = text.split(',');
  const set = Object.fromEntries(words.filter((word) => word !== 'default').map(limitOf));
  const unset = words.includes('default')
    ? NAMES.map((name) => LIMIT_SETTINGS[name].field).filter((field) => !Object.hasOwn(set, field))
    : [];
  return { set, unset };
};

const limitOf = (word: string): readonly [string, number | null] => {
  const [name, text] = nameAndText(word);
  const known = NAMES.find((one) => one === name);
  if (known === undefined) {
    const similar = closest(name, NAMES);
    throw usageError(
      `there is no limit "${name}"`,
      `${similar === undefined ? '' : `Did you mean ${similar}? `}Limits: ${NAMES.join(', ')}`,
    );
  }
  const { field, parse } = LIMIT_SETTINGS[known];
  return [field, parse(text)];
};

const nameAndText = (word: string): readonly [string, string] => {
  const [, name, value] = /^([a-z-]+):(.*)$/.exec(word) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  const [, cpus] = /^([\d.]+) ?cpus?$/.exec(word) ?? [];
  if (cpus !== undefined) return ['cpus', cpus];
  const [, pids] = /^(\d+) ?pids?$/.exec(word) ?? [];
  if (pids !== undefined) return ['pids', pids];
  if (/^[\d.]+ ?[kmgt]i?b?$/i.test(word)) return ['memory', word];
  throw usageError(`"${word}" is not a limit`, EXAMPLE);
};
