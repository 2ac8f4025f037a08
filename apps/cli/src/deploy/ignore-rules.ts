/** One line of an ignore file, ready to be asked. */
interface Rule {
  readonly pattern: RegExp;
  readonly isNegated: boolean;
  readonly directoriesOnly: boolean;
}

/** Rules of one file; paths they are asked about are relative to the file's directory. */
export type IgnoreRules = readonly Rule[];

/** How an ignore file is read: git matches a bare name at any depth, Docker at the root only. */
type Dialect = 'git' | 'docker';

export const parseIgnoreRules = (text: string, dialect: Dialect = 'git'): IgnoreRules =>
  text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .flatMap((line) => parseLine(line, dialect));

const parseLine = (line: string, dialect: Dialect): Rule[] => {
  // A trailing blank counts only when it is escaped.
  let text = line.replace(/(?<!\\)[ \t]+$/, '');
  if (text === '' || text.startsWith('#')) return [];
  const isNegated = text.startsWith('!');
  if (isNegated) text = text.slice(1);
  const directoriesOnly = text.endsWith('/');
  text = text.replace(/\/+$/, '').replace(/^\.\//, '');
  if (text === '' || text === '.') return [];
  const isAnchored = dialect === 'docker' || text.includes('/');
  const pattern = toPattern(text.replace(/^\//, ''), isAnchored);
  return pattern === undefined
    ? []
    : [{ pattern, isNegated, directoriesOnly: directoriesOnly && dialect === 'git' }];
};

/** The pattern as a regular expression; undefined for one that is none (`[z-a]`): it matches nothing. */
const toPattern = (glob: string, isAnchored: boolean): RegExp | undefined => {
  let source = '';
  for (let i = 0; i < glob.length; i += 1) {
    const rest = glob.slice(i);
    const part = TOKENS.find(({ token }) => token.test(rest));
    const match = part?.token.exec(rest)?.[0];
    if (part === undefined || match === undefined) return undefined;
    source += part.toRegExp(match, i === 0);
    i += match.length - 1;
  }
  try {
    return new RegExp(`^${isAnchored ? '' : '(?:.*/)?'}${source}$`, 's');
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

interface Token {
  readonly token: RegExp;
  readonly toRegExp: (match: string, isFirst: boolean) => string;
}

const quote = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

const TOKENS: readonly Token[] = [
  { token: /^\*\*\//, toRegExp: () => '(?:.*/)?' },
  { token: /^\/\*\*(?=\/)/, toRegExp: () => '(?:/.*)?' },
  { token: /^\/\*\*$/, toRegExp: () => '/.*' },
  { token: /^\*\*$/, toRegExp: () => '.*' },
  { token: /^\*+/, toRegExp: () => '[^/]*' },
  { token: /^\?/, toRegExp: () => '[^/]' },
  {
    token: /^\[[!^]?\]?[^\]]*\]/,
    toRegExp: (match) => {
      const inner = match
        .slice(1, -1)
        .replace(/^!/, '^')
        .replace(/[\\[\]]/g, '\\$&');
      return `(?!/)[${inner}]`;
    },
  },
  { token: /^\\./s, toRegExp: (match) => quote(match.slice(1)) },
  { token: /^[^*?[\\]/s, toRegExp: quote },
  { token: /^[[\\]/, toRegExp: quote },
];

/** True, false, or undefined when no rule speaks of the path. The last rule that does decides. */
export const verdict = (
  rules: IgnoreRules,
  path: string,
  isDirectory: boolean,
): boolean | undefined => {
  const rule = rules.findLast(
    ({ pattern, directoriesOnly }) => (isDirectory || !directoriesOnly) && pattern.test(path),
  );
  return rule === undefined ? undefined : !rule.isNegated;
};
