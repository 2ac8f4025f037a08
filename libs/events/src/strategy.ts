import { z } from 'zod';

const seconds = z.number().int().min(0).max(86_400);

/** Instances that are replaced at a time: a number, or a share of those wanted. */
export const batch = z
  .string()
  .regex(/^(?:[1-9]\d?|100)%?$/, 'a number of instances or a share of them, such as 2 or 25%');

/**
 * Requests that a canary gets whatever their share: with this header, or with this cookie, of any value or of
 * one. In it nothing means anything to a proxy's configuration, a regular expression or a map.
 */
export const CANARY_MATCH_PATTERN =
  /^(?:header:([a-z0-9][a-z0-9-]{0,63})|cookie:([A-Za-z0-9][A-Za-z0-9_-]{0,63}))(?:=([A-Za-z0-9._-]{1,128}))?$/;
const canaryMatch = z
  .string()
  .regex(
    CANARY_MATCH_PATTERN,
    'header:NAME, header:NAME=VALUE, cookie:NAME or cookie:NAME=VALUE, such as header:x-canary=yes; names of headers in lower case, values of letters, digits, ".", "_" and "-"',
  );

/**
 * Shares of the requests, each above the one before: `5,25,50`. The last step, all of them, is not named. A
 * first one of 0 is for those that match and no others.
 */
const canarySteps = z
  .string()
  .regex(/^(?:0|[1-9]\d?)(?:,[1-9]\d?){0,19}$/, 'shares in percent, such as 5,25,50')
  .refine((text) => isAscending(text.split(',').map(Number)), 'each step above the one before');

const isAscending = (numbers: readonly number[]): boolean =>
  numbers.every((n, i) => i === 0 || n > (numbers[i - 1] ?? 0));

/** How an app's releases take each other's place; every field has a default in libs/domain. */
export const strategySettings = {
  /**
   * `rolling`: a batch at a time; `blue-green`: all at once when all are ready, the old ones kept for a
   * while; `canary`: a growing share of the requests, compared with the old ones.
   */
  strategy: z.enum(['rolling', 'blue-green', 'canary']),
  /** rolling: instances replaced at a time. */
  batch,
  /** rolling: seconds between a batch that serves and the next one. */
  batchPauseSeconds: z.number().int().min(0).max(3600),
  /** blue-green: seconds that the old instances are kept for an instant way back. */
  retainSeconds: seconds,
  /** canary: shares of the requests in percent, before all of them. */
  canarySteps,
  /** canary: requests that all go to the new instances, from the first step on; null: none in particular. */
  canaryMatch: canaryMatch.nullable(),
  /** canary: seconds that a step takes at least. */
  canaryStepSeconds: z.number().int().min(1).max(86_400),
  /** canary: what ends a step: the figures, or a person. */
  canaryPromote: z.enum(['auto', 'manual']),
  /** canary: requests that the new instances must have answered in a step before anything is concluded. */
  canaryRequests: z.number().int().min(1).max(1_000_000),
  /** canary: percentage points by which failed requests may exceed those of the old instances. */
  canaryErrorPoints: z.number().min(0).max(100),
  /** canary: percent by which the mean response time may exceed that of the old ones; null: not compared. */
  canaryLatencyPercent: z.number().int().min(0).max(10_000).nullable(),
} as const;

/** How one rollout goes on, fixed when it starts. */
export const rolloutStrategy = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('rolling'), batch, pauseSeconds: seconds }),
  z.strictObject({ kind: z.literal('blue-green'), retainSeconds: seconds }),
  z.strictObject({
    kind: z.literal('canary'),
    /** Shares of the requests in percent, the last one left out: it is 100. */
    steps: z.array(z.number().int().min(0).max(100)).min(1).max(20),
    /** Requests that it gets whatever their share; absent before there was such a thing. */
    match: canaryMatch.nullable().optional(),
    stepSeconds: seconds,
    promote: z.enum(['auto', 'manual']),
    requests: z.number().int().min(1),
    errorPoints: z.number().min(0).max(100),
    latencyPercent: z.number().int().min(0).nullable(),
  }),
]);
export type RolloutStrategy = z.infer<typeof rolloutStrategy>;
