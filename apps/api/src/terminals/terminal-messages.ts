import { configKey } from '@shiplog/events';
import { z } from 'zod';
import { terminalRequest } from '../instances/instances.routes.js';
import { Problem } from '../http/problem.js';
import { validate } from '../http/validate.js';

export const runRequest = terminalRequest.extend({
  detach: z.boolean().default(false),
  env: z
    .record(
      configKey,
      z
        .string()
        .max(32 * 1024)
        .refine((value) => !value.includes('\0'), 'text without NUL'),
    )
    .default({}),
});
export const execRequest = terminalRequest;

const size = z.number().int().min(1).max(10_000);
const control = z.union([
  z.strictObject({ resize: z.strictObject({ columns: size, rows: size }) }),
  z.strictObject({ stdinEnd: z.literal(true) }),
]);
type Control = z.infer<typeof control>;

/** The first message, or the refusal that names what is wrong with it. */
export const parseRequest = <S extends z.ZodType>(schema: S, text: string): z.infer<S> =>
  validate('body', schema, parseJson(text));

export const parseControl = (text: string): Control => validate('body', control, parseJson(text));

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Problem('body-not-json', 'A text message has to be JSON; input is sent as binary.');
  }
};
