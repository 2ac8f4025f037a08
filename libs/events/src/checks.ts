import { z } from 'zod';
import { processType } from './ids.js';

/** The path of a URL, as an HTTP check asks for it. */
export const urlPath = z
  .string()
  .regex(/^\/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,255}$/, 'the path of a URL, such as /health');

/** What a check asks: an answer over HTTP, an accepted connection, a command in the container that ends with 0; `none`: nothing. */
export const checkKind = z.enum(['http', 'tcp', 'command', 'none']);

/** A command that runs in a container as it is, word by word: no shell takes it apart. */
export const containerCommand = z
  .array(
    z
      .string()
      .max(4096)
      .refine((word) => !word.includes('\0'), 'text without NUL'),
  )
  .min(1)
  .max(64);

const kindFields = {
  kind: checkKind,
  /** Of an HTTP check, and only of one. */
  path: urlPath.nullable(),
  /** Status codes of an HTTP check that are good: `200-399`, `200,204`. */
  status: z
    .string()
    .max(64)
    .regex(/^[1-5]\d\d(?:-[1-5]\d\d)?(?:,[1-5]\d\d(?:-[1-5]\d\d)?)*$/, 'status codes: 200-399'),
  /** Of a command check, and only of one: run as it is, without a shell. */
  command: containerCommand.nullable(),
};
const timings = {
  /** From the begin of one question to the begin of the next. */
  intervalMs: z.number().int().min(100).max(300_000),
  /** An answer that takes longer is none. */
  timeoutMs: z.number().int().min(50).max(60_000),
  /** Intervals in a row without a good answer until the check has failed. */
  failures: z.number().int().min(1).max(100),
  /** Good answers in a row until it has passed. */
  successes: z.number().int().min(1).max(100),
  /** Before the first question of a run. */
  delayMs: z.number().int().min(0).max(3_600_000),
};

/** One health check, whole: what is asked, and when its answers count. */
export const check = z.strictObject({ ...kindFields, ...timings });
export type Check = z.infer<typeof check>;

export const PROBES = ['startup', 'readiness', 'liveness'] as const;
/** startup: has it started? readiness: may requests go to it? liveness: or has it to be started again? */
export type Probe = (typeof PROBES)[number];

/** By process type; what is not named has its default. */
export const checks = z.record(
  processType,
  z.strictObject({
    startup: check.optional(),
    readiness: check.optional(),
    liveness: check.optional(),
  }),
);
export type Checks = z.infer<typeof checks>;

/** A check as it is asked for: what is left out has its default. */
export const checkRequest = z.strictObject({
  kind: kindFields.kind,
  path: kindFields.path.optional(),
  status: kindFields.status.optional(),
  command: kindFields.command.optional(),
  intervalMs: timings.intervalMs.optional(),
  timeoutMs: timings.timeoutMs.optional(),
  failures: timings.failures.optional(),
  successes: timings.successes.optional(),
  delayMs: timings.delayMs.optional(),
});
export type CheckRequest = z.infer<typeof checkRequest>;

/** What is named is replaced as a whole; null brings its default back. */
export const checksRequest = z.record(
  processType,
  z.strictObject({
    startup: checkRequest.nullable().optional(),
    readiness: checkRequest.nullable().optional(),
    liveness: checkRequest.nullable().optional(),
  }),
);
export type ChecksRequest = z.infer<typeof checksRequest>;
