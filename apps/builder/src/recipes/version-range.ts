type Version = readonly [major: number, minor: number, patch: number];
type Operator = '<' | '<=' | '>' | '>=';
interface Bound {
  readonly operator: Operator;
  readonly version: Version;
}

const PARTIAL = String.raw`[v=\s]*(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:[-+][0-9A-Za-z.+-]*)?`;
const COMPARATOR = new RegExp(`^(<=|>=|<|>|=|\\^|~>?)?${PARTIAL}$`);
const HYPHEN = new RegExp(`^${PARTIAL}\\s+-\\s+${PARTIAL}$`);

/**
 * Whether a version is in a range as `engines` in package.json writes it (`>=20`, `^20.1 || 22.x`).
 * Undefined where the range is not understood. Pre-releases count as the version they lead to.
 */
export const satisfies = (version: string, range: string): boolean | undefined => {
  const parsed = toVersion(version);
  if (parsed === undefined) return undefined;
  let isUnknown = false;
  for (const alternative of range.split('||')) {
    const bounds = boundsOf(alternative.trim());
    if (bounds === undefined) isUnknown = true;
    else if (bounds.every((bound) => holds(parsed, bound))) return true;
  }
  return isUnknown ? undefined : false;
};

const toVersion = (text: string): Version | undefined => {
  const match = /^v?(\d+)\.(\d+)\.(\d+)/.exec(text.trim());
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3])];
};

const boundsOf = (text: string): readonly Bound[] | undefined => {
  if (text === '' || text === 'latest' || text === 'node') return [];
  const hyphen = HYPHEN.exec(text);
  if (hyphen !== null) {
    const [, a, b, c, d, e, f] = hyphen;
    return [...comparator('>=', [a, b, c]), ...comparator('<=', [d, e, f])];
  }
  const bounds: Bound[] = [];
  // "> = 1" and ">= 1" are written with spaces, too; a comparator is one word afterwards.
  for (const word of text.replace(/([<>=^~]+)\s+/g, '$1').split(/\s+/)) {
    const match = COMPARATOR.exec(word);
    if (match === null) return undefined;
    const [, operator = '=', major, minor, patch] = match;
    bounds.push(...comparator(operator, [major, minor, patch]));
  }
  return bounds;
};

type Partial3 = readonly [string | undefined, string | undefined, string | undefined];

const numberOf = (text: string | undefined): number | undefined =>
  text === undefined || /^[xX*]$/.test(text) ? undefined : Number(text);

const comparator = (operator: string, parts: Partial3): readonly Bound[] => {
  const major = numberOf(parts[0]);
  if (major === undefined) return [];
  const minor = numberOf(parts[1]);
  const patch = minor === undefined ? undefined : numberOf(parts[2]);
  const low: Version = [major, minor ?? 0, patch ?? 0];
  /** The first version after everything that the partial version covers. */
  const next: Version =
    minor === undefined
      ? [major + 1, 0, 0]
      : patch === undefined
        ? [major, minor + 1, 0]
        : [major, minor, patch + 1];
  const between = (end: Version): readonly Bound[] => [
    { operator: '>=', version: low },
    { operator: '<', version: end },
  ];
  switch (operator) {
    case '>':
      return [{ operator: '>=', version: next }];
    case '>=':
      return [{ operator: '>=', version: low }];
    case '<':
      return [{ operator: '<', version: low }];
    case '<=':
      return [{ operator: '<', version: next }];
    case '^':
      return between(caretEnd(major, minor, patch));
    case '~':
    case '~>':
      return between(minor === undefined ? [major + 1, 0, 0] : [major, minor + 1, 0]);
    default:
      return between(next);
  }
};

const caretEnd = (major: number, minor: number | undefined, patch: number | undefined): Version => {
  if (major > 0 || minor === undefined) return [major + 1, 0, 0];
  if (minor > 0 || patch === undefined) return [0, minor + 1, 0];
  return [0, 0, patch + 1];
};

const holds = (version: Version, { operator, version: bound }: Bound): boolean => {
  const order = version[0] - bound[0] || version[1] - bound[1] || version[2] - bound[2];
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
};
