import { z } from 'zod';
import { defineEvent } from './event.js';
import { configKey, id } from './ids.js';
import { actor, origin } from './who.js';

/** So many different refusals or reads stand in one commit; more are only counted. */
export const AUDIT_ENTRIES_MAX = 50;
/** Fewer, so that a commit that is full of all kinds still fits. */
export const AUDIT_OPERATIONS_MAX = 10;

/** What was seen of the same thing, and when: one entry stands for all of them. */
const seen = {
  count: z.number().int().min(1),
  firstAt: z.iso.datetime(),
  lastAt: z.iso.datetime(),
};

/** A command that was not carried out. Never its body, never a token. */
export const refusal = z.strictObject({
  /** `rejected` by the rules, `conflict` with somebody faster, `denied` for want of a right or a token. */
  outcome: z.enum(['rejected', 'conflict', 'denied']),
  /** Why, for programs: `name-taken`, `revision-conflict`, `token-expired`, … */
  code: z.string().max(64),
  /** What was asked for, as the API calls it: `scaleApp`; null where that was not found out. */
  command: z.string().max(64).nullable(),
  appId: id.nullable(),
  /** What it was to be done to, as it was named; null for callers nobody knows. */
  target: z.string().max(128).nullable(),
  /** Null: nobody was signed in. */
  actor: actor.nullable(),
  origin: origin.nullable(),
  reason: z.string().max(500).nullable(),
  ...seen,
});
export type Refusal = z.infer<typeof refusal>;

/** Somebody was shown config values. */
export const secretsRead = z.strictObject({
  appId: id,
  keys: z.array(configKey).max(100),
  /** More keys than are listed. */
  keysUnlisted: z.number().int().nonnegative(),
  actor,
  origin: origin.nullable(),
  ...seen,
});
export type SecretsReading = z.infer<typeof secretsRead>;

/**
 * Somebody had something done that is no change in the log: garbage collected, another key signs, or a
 * terminal in an app (`run`, `exec`), which shows its config values. Never what they sent or typed.
 */
export const operation = z.strictObject({
  /** As the API calls it: `rotateSigningKey`. */
  operation: z.string().max(64),
  appId: id.nullable(),
  target: z.string().max(128).nullable(),
  actor,
  origin: origin.nullable(),
  reason: z.string().max(500).nullable(),
  ...seen,
});
export type Operation = z.infer<typeof operation>;

/**
 * What the api saw and that changed nothing; a stream for each day. Gathered for a while and bounded
 * (decision record 0008), so that nobody can fill the log with what they are refused.
 */
export const auditEvent = z.discriminatedUnion('type', [
  defineEvent('CommandsRefused', 1, {
    refusals: z.array(refusal).max(AUDIT_ENTRIES_MAX),
    /** Refusals that are in no entry: there were too many different ones. */
    unlisted: z.number().int().nonnegative(),
  }),
  defineEvent('SecretsRead', 1, {
    reads: z.array(secretsRead).max(AUDIT_ENTRIES_MAX),
    /** As above. */
    unlisted: z.number().int().nonnegative(),
  }),
  defineEvent('OperationsDone', 1, {
    operations: z.array(operation).max(AUDIT_OPERATIONS_MAX),
    /** As above. */
    unlisted: z.number().int().nonnegative(),
  }),
]);
export type AuditEvent = z.infer<typeof auditEvent>;
