import type { IncomingMessage } from 'node:http';
import type { Refusal } from '@shiplog/events';
import type { ProblemCode } from '../http/problem-codes.js';
import { PROBLEMS } from '../http/problem-codes.js';
import type { SeenRefusal } from './audit-page.js';
import { calledFrom, notesOf, type RequestNotes } from './request-notes.js';

const DENIED: ReadonlySet<ProblemCode> = new Set([
  'unauthenticated',
  'token-scope',
  'not-administrator',
  'no-team',
]);
const CONFLICT: ReadonlySet<ProblemCode> = new Set([
  'revision-conflict',
  'idempotency-key-reused',
  'too-many-changes',
]);
/** What was sent is no command: nothing was decided. */
const NO_COMMAND: ReadonlySet<ProblemCode> = new Set([
  'route-not-found',
  'method-not-allowed',
  'invalid-input',
  'invalid-body',
  'body-not-json',
  'body-too-large',
  'unsupported-media-type',
  'headers-too-large',
  'request-timeout',
  'bad-request',
  'moment-unknown',
]);

/** How a refusal is recorded; undefined: not at all. Looks are recorded only where somebody may not look. */
export const outcomeOf = (
  code: ProblemCode,
  { isChange, isHidden }: Pick<RequestNotes, 'isChange' | 'isHidden'>,
): Refusal['outcome'] | undefined => {
  if (DENIED.has(code) || isHidden === true) return 'denied';
  if (isChange !== true) return undefined;
  if (CONFLICT.has(code)) return 'conflict';
  return NO_COMMAND.has(code) || PROBLEMS[code].status >= 500 ? undefined : 'rejected';
};

/** What is kept of a refused request. Of callers whom nobody knows only why and from where. */
export const refusalOf = (request: IncomingMessage, code: ProblemCode): SeenRefusal | undefined => {
  const notes = notesOf(request);
  const outcome = outcomeOf(code, notes);
  if (outcome === undefined) return undefined;
  const from = calledFrom(request, notes.tokenId ?? null);
  const word = code === 'unauthenticated' ? (notes.tokenFault ?? code) : code;
  if (notes.actor === undefined) {
    const unknown = { command: null, appId: null, target: null, actor: null, reason: null };
    return { outcome, code: word, ...unknown, from: { ...from, userAgent: null } };
  }
  return {
    outcome,
    code: word,
    command: notes.command ?? null,
    appId: notes.appId ?? null,
    target: notes.target ?? null,
    actor: notes.actor,
    reason: notes.reason ?? null,
    from,
  };
};
