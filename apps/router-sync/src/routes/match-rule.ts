import { CANARY_MATCH_PATTERN } from '@shiplog/events';

/** Places among which is drawn who gets a request that matches: as many instances share them evenly as divide it. */
export const PICKS = 60;

/** Which requests are meant, taken apart: what every kind of proxy makes its own rule of. */
export interface MatchRule {
  readonly kind: 'header' | 'cookie';
  readonly name: string;
  /** Null: any. */
  readonly value: string | null;
}

/** Throws for what is none: nothing else may get near a proxy. */
export const parseMatchRule = (text: string): MatchRule => {
  const [whole, header, cookie, value = null] = CANARY_MATCH_PATTERN.exec(text) ?? [];
  if (whole === undefined) throw new Error(`not a rule of requests: ${JSON.stringify(text)}`);
  return header === undefined
    ? { kind: 'cookie', name: cookie ?? '', value }
    : { kind: 'header', name: header, value };
};

/** What can stand around a cookie's name and after its value. */
const BOUNDARY = '[^[:alnum:]=._~%+-]';

/**
 * The rule as a regular expression of PCRE over `<backend>|<head of the request>`, in which names of headers are in lower
 * case. It has no space, `;`, backslash or `<`, which the runtime API would take for something else; what
 * comes of the rule are letters, digits, `-`, `_` and `.`.
 */
export const requestPattern = (backend: string, text: string): string => {
  const { kind, name, value } = parseMatchRule(text);
  const literal = (value ?? '').replaceAll('.', '[.]');
  const line = (of: string): string => `(?s)^${backend}[|](.*[[:cntrl:]])?${of}`;
  if (kind === 'header') {
    return line(
      value === null ? `${name}:` : `${name}:[[:blank:]]*${literal}[[:blank:]]*[[:cntrl:]]`,
    );
  }
  const is = value === null ? '' : `${literal}${BOUNDARY}`;
  return line(`cookie:([^[:cntrl:]]*${BOUNDARY})?${name}=${is}`);
};

/** Who is drawn at each place. */
export const picksOf = <T>(of: readonly T[]): readonly T[] =>
  of.length === 0 ? [] : Array.from({ length: PICKS }, (_, i) => of[i % of.length] as T);
