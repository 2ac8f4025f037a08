import { usageError } from '../exit-code.js';

const KEY = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*/;
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  $: '$',
};

/**
 * Pairs of a dotenv file: `KEY=value`, `export KEY=value`, '…' as it is, "…" with \n \r \t \" \\ and over
 * several lines, `#` comments. Nothing is expanded: `$HOME` stays what it is. Errors name the line, never the value.
 */
export const parseDotenv = (text: string): Record<string, string> => {
  const pairs: Record<string, string> = Object.create(null) as Record<string, string>;
  const source = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  let at = 0;
  while (at < source.length) {
    const end = endOfLine(source, at);
    const line = source.slice(at, end);
    if (line.trim() === '' || line.trimStart().startsWith('#')) {
      at = end + 1;
      continue;
    }
    const key = KEY.exec(line);
    if (key?.[1] === undefined) {
      throw usageError(
        `line ${lineNumber(source, at)} is not of the form KEY=value`,
        'Keys are letters, digits and "_" and do not start with a digit.',
      );
    }
    const { value, next } = readValue(source, at + key[0].length, key[1]);
    pairs[key[1]] = value;
    at = next;
  }
  return { ...pairs };
};

interface Read {
  readonly value: string;
  /** Where the next line starts. */
  readonly next: number;
}

const readValue = (source: string, start: number, key: string): Read => {
  const quote = source[start];
  if (quote !== '"' && quote !== "'") return readPlain(source, start);
  const close = closingQuote(source, start, quote);
  if (close === -1) {
    throw usageError(
      `line ${lineNumber(source, start)}: the value of ${key} has no closing ${quote}`,
    );
  }
  const end = endOfLine(source, close);
  const rest = source.slice(close + 1, end).trim();
  if (rest !== '' && !rest.startsWith('#')) {
    throw usageError(
      `line ${lineNumber(source, close)}: something follows the closing ${quote} of ${key}`,
      'Put the whole value into quotes.',
    );
  }
  const inner = source.slice(start + 1, close);
  const value = quote === "'" ? inner : inner.replace(/\\(.)/gs, unescape);
  return { value, next: end + 1 };
};

const unescape = (whole: string, character: string): string => ESCAPES[character] ?? whole;

const readPlain = (source: string, start: number): Read => {
  const end = endOfLine(source, start);
  const value = source
    .slice(start, end)
    .replace(/(?:^|[ \t])#.*$/, '')
    .trim();
  return { value, next: end + 1 };
};

const closingQuote = (source: string, start: number, quote: string): number => {
  for (let i = start + 1; i < source.length; i += 1) {
    if (source[i] === '\\' && quote === '"') i += 1;
    else if (source[i] === quote) return i;
  }
  return -1;
};

const endOfLine = (source: string, from: number): number => {
  const end = source.indexOf('\n', from);
  return end === -1 ? source.length : end;
};

const lineNumber = (source: string, at: number): number => source.slice(0, at).split('\n').length;
