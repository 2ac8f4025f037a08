import type { ChecksRequest } from '@shiplog/api-client';
import { usageError } from '../exit-code.js';
import { parseMilliseconds } from './quantity.js';

type Process = ChecksRequest[string];
export type Probe = keyof Process;
export type CheckRequest = NonNullable<Process[Probe]>;
type Draft = { -readonly [K in keyof CheckRequest]: CheckRequest[K] };

const PROBES: readonly Probe[] = ['startup', 'readiness', 'liveness'];
const EXAMPLE = `For example: web.readiness='http /ready interval=500ms timeout=1s failures=2'`;

/** `web.readiness` in its parts; undefined where the name has no point. */
export const parseCheckName = (name: string): { process: string; probe: Probe } | undefined => {
  const [process = '', word, ...rest] = name.split('.');
  if (word === undefined) return undefined;
  const probe = PROBES.find((known) => known === word);
  if (probe !== undefined && rest.length === 0) return { process, probe };
  throw usageError(
    `there is no health check "${name}"`,
    `Name the process type and one of ${PROBES.join(', ')}. ${EXAMPLE}`,
  );
};

/** `http /ready interval=1s`, `tcp`, `command test -f /tmp/ok`, `none`; null: the default. */
export const parseCheck = (name: string, text: string): CheckRequest | null => {
  const [kind = '', ...words] = text.trim().split(/\s+/);
  if (kind === 'default' && words.length === 0) return null;
  // Options come last, so that a command may have words like them.
  const end = words.findLastIndex((word) => !isOption(word)) + 1;
  const subject = words.slice(0, end);
  const check = subjectOf(name, kind, text, subject);
  for (const word of words.slice(end)) Object.assign(check, optionOf(name, word));
  return check;
};

const subjectOf = (name: string, kind: string, text: string, words: readonly string[]): Draft => {
  switch (kind) {
    case 'http': {
      const [path, ...more] = words;
      if (path?.startsWith('/') === true && more.length === 0) return { kind, path };
      throw usageError(`${name}: http asks a path that begins with "/"`, EXAMPLE);
    }
    case 'command':
      return { kind, command: commandOf(name, text, words) };
    case 'tcp':
    case 'none':
      if (words.length === 0) return { kind };
      throw usageError(`${name}: "${words.join(' ')}" means nothing to ${kind}`, EXAMPLE);
    default:
      throw usageError(
        `${name}: "${kind}" is no kind of health check`,
        `Kinds: http PATH, tcp, command WORDS, none; default brings the default back. ${EXAMPLE}`,
      );
  }
};

/** Plain words, or a JSON list where they have spaces or quotes: no shell takes them apart. */
const commandOf = (name: string, text: string, words: readonly string[]): string[] => {
  const list = /^\s*command\s+(\[.*\])/s.exec(text)?.[1];
  if (list === undefined) {
    if (words.length > 0 && !words.some((word) => /["'`$|&;<>]/.test(word))) return [...words];
    throw usageError(
      `${name}: a command is a list of words; no shell reads it`,
      `Write ${name}='command ["sh","-c","test -f /tmp/ok"]' or ${name}='command test -f /tmp/ok'`,
    );
  }
  const value = parsed(list);
  if (Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === 'string')) {
    return value;
  }
  throw usageError(`${name}: ${list} is not a JSON list of words`, `Write ["test","-f","/tmp/ok"]`);
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const OPTIONS: Readonly<Record<string, (name: string, text: string) => Partial<Draft>>> = {
  status: (_, text) => ({ status: text }),
  interval: (name, text) => ({ intervalMs: parseMilliseconds(name, text) }),
  timeout: (name, text) => ({ timeoutMs: parseMilliseconds(name, text) }),
  delay: (name, text) => ({ delayMs: parseMilliseconds(name, text) }),
  failures: (name, text) => ({ failures: countOf(name, text) }),
  successes: (name, text) => ({ successes: countOf(name, text) }),
};

const isOption = (word: string): boolean => /^[a-z]+=/.test(word);

const optionOf = (name: string, word: string): Partial<Draft> => {
  const [option = '', ...rest] = word.split('=');
  const parse = Object.hasOwn(OPTIONS, option) ? OPTIONS[option] : undefined;
  if (parse !== undefined) return parse(`${name} ${option}`, rest.join('='));
  throw usageError(
    `${name}: there is no option "${option}"`,
    `Options of a health check: ${Object.keys(OPTIONS).join(', ')}`,
  );
};

const countOf = (name: string, text: string): number => {
  if (/^\d{1,3}$/.test(text) && Number(text) > 0) return Number(text);
  throw usageError(`${name}: "${text}" is not a number from 1 to 100`);
};
