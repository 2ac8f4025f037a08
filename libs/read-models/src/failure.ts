import { positionBefore, type Position } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import type { ProjectionFailedError } from './errors.js';

const REASON_CHARACTERS_MAX = 300;

/** Why code failed, for a person: of one line, and not endless. */
export const reasonOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause))
    .replace(/\s+/g, ' ')
    .slice(0, REASON_CHARACTERS_MAX);

type NextAfterFailure =
  /** The commits before the one that cannot be applied, so that nothing of it is in the documents. */
  | { readonly kind: 'apply-before'; readonly until: Position }
  /** It is not known which of the batch it was: each alone shows it. */
  | { readonly kind: 'one-by-one' }
  /** It is the next one: its model goes no further. */
  | { readonly kind: 'park' };

/** What to do with commits of which one cannot be applied; `reached`: everything up to here is. */
export const afterFailure = (
  { at }: Pick<ProjectionFailedError, 'at'>,
  reached: Position,
  { compare }: Pick<EventLog, 'compare'>,
): NextAfterFailure => {
  if (at === null) return { kind: 'one-by-one' };
  const until = positionBefore(at.position);
  return compare(until, reached) > 0 ? { kind: 'apply-before', until } : { kind: 'park' };
};

/**
 * SQLSTATE classes 22 and 23 (data, constraints) and what SQLite calls the same: the rows are refused, not the
 * work. Everything else is the database's own trouble and passes.
 */
export const isRefusedData = (error: unknown): boolean => {
  const { code } = ((error as { driverError?: unknown } | null)?.driverError ?? {}) as {
    code?: unknown;
  };
  return (
    typeof code === 'string' &&
    (/^2[23]...$/.test(code) || /^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH)/.test(code))
  );
};
