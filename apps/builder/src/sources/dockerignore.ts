import { posix } from 'node:path';
import { SourceRefusedError } from './source-refused.js';

/** Each is asked about each file. */
const RULES_MAX = 1_000;

/** Asked for by name, whatever the rules say: the engine takes them out again where they say so. */
const FOR_THE_ENGINE = new Set(['Dockerfile', '.dockerignore']);

/**
 * What `.dockerignore` keeps out of a build context, in Docker's words: of the patterns that match a
 * name, or a directory it is in, the last one decides. An engine leaves that to who sends the context.
 * Not with regular expressions: the patterns are a stranger's, and such can take for ever.
 */
export const parseDockerignore = (text: string): ((name: string) => boolean) => {
  const rules = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line) => parseRule(line) ?? []);
  if (rules.length > RULES_MAX) {
    throw new SourceRefusedError(
      `.dockerignore has more than ${RULES_MAX} patterns.`,
      'Name directories instead of what is in them.',
    );
  }
  return (name) => {
    if (FOR_THE_ENGINE.has(name)) return false;
    const parts = name.split('/');
    return rules.findLast(({ pattern }) => matchesUpwards(pattern, parts))?.isNegated === false;
  };
};

interface Rule {
  readonly isNegated: boolean;
  /** One part per directory level; `**` stands for any number of them. */
  readonly pattern: readonly (readonly Token[] | '**')[];
}

type Token = '*' | '?' | { readonly literal: string } | Class;
interface Class {
  readonly isNegated: boolean;
  readonly ranges: readonly (readonly [from: string, to: string])[];
}

const parseRule = (line: string): Rule | undefined => {
  const text = line.trim();
  if (line.startsWith('#') || text === '') return undefined;
  const isNegated = text.startsWith('!');
  const path = posix.normalize(text.slice(isNegated ? 1 : 0).trim()).replace(/^\/|\/$/g, '');
  if (path === '' || path === '.') return undefined;
  // At its end `**` is what lies in a directory, not the directory.
  const parts = path.replace(/(^|\/)\*\*$/, '$1**/*').split('/');
  const pattern: (readonly Token[] | '**')[] = [];
  for (const part of parts) {
    const tokens = part === '**' ? part : tokensOf(part);
    // A pattern that is none (`[a`) matches nothing.
    if (tokens === undefined) return undefined;
    pattern.push(tokens);
  }
  return { isNegated, pattern };
};

const TOKEN = /\*+|\?|\[(\^?)((?:\\.|[^\]\\])+)\]|\\(.)|([^*?[\\])/gsu;

const tokensOf = (part: string): readonly Token[] | undefined => {
  const tokens: Token[] = [];
  let end = 0;
  for (const match of part.matchAll(TOKEN)) {
    if (match.index !== end) return undefined;
    end += match[0].length;
    const [text, caret, members, escaped, plain] = match;
    const literal = escaped ?? plain;
    if (literal !== undefined) tokens.push({ literal });
    else if (members !== undefined)
      tokens.push({ isNegated: caret === '^', ranges: rangesOf(members) });
    else tokens.push(text === '?' ? '?' : '*');
  }
  return end === part.length ? tokens : undefined;
};

const rangesOf = (members: string): Class['ranges'] =>
  [...members.matchAll(/\\?(.)(?:-\\?(.))?/gsu)].map(
    ([, from = '', to = from]) => [from, to] as const,
  );

/** Whether the pattern matches the path or one of the directories it is in: one step per level. */
const matchesUpwards = (pattern: Rule['pattern'], parts: readonly string[]): boolean => {
  let places = withSkips(pattern, [0]);
  for (const part of parts) {
    const next = [...places].flatMap((at) => {
      const here = pattern[at];
      if (here === '**') return [at];
      return here !== undefined && matchesPart(here, part) ? [at + 1] : [];
    });
    places = withSkips(pattern, next);
    if (places.has(pattern.length)) return true;
  }
  return false;
};

/** `**` may also stand for no level at all. */
const withSkips = (pattern: Rule['pattern'], from: readonly number[]): ReadonlySet<number> => {
  const places = new Set(from);
  // A set is walked to the end of what is added meanwhile.
  for (const at of places) if (pattern[at] === '**') places.add(at + 1);
  return places;
};

/** `*` takes as little as it can, and one more whenever the rest does not fit; only the last `*` matters. */
const matchesPart = (tokens: readonly Token[], part: string): boolean => {
  const letters = [...part];
  let token = 0;
  let star = -1;
  let starEnd = 0;
  for (let at = 0; at < letters.length;) {
    const here = tokens[token];
    if (here === '*') {
      star = token;
      starEnd = at;
      token += 1;
    } else if (here !== undefined && matchesLetter(here, letters[at] ?? '')) {
      token += 1;
      at += 1;
    } else if (star >= 0) {
      starEnd += 1;
      at = starEnd;
      token = star + 1;
    } else return false;
  }
  return tokens.slice(token).every((rest) => rest === '*');
};

const matchesLetter = (token: Exclude<Token, '*'>, letter: string): boolean => {
  if (token === '?') return true;
  if ('literal' in token) return token.literal === letter;
  return token.ranges.some(([from, to]) => from <= letter && letter <= to) !== token.isNegated;
};
