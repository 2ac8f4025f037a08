import { z } from 'zod';
import { RpcProblem } from './problem.js';

const size = z.number().int().min(1).max(10_000);
const terminal = {
  tty: z.boolean().default(false),
  columns: size.default(80),
  rows: size.default(24),
};
const command = z.array(z.string().max(100_000)).min(1).max(1000);

export const logsInput = z.object({
  appId: z.string(),
  process: z.string().optional(),
  instances: z.array(z.string()).optional(),
  /** Last lines of all chosen instances together. */
  tail: z.number().int().min(0).max(10_000).default(100),
  follow: z.boolean().default(false),
});
export type LogsInput = z.infer<typeof logsInput>;

export const execInput = z.object({ instanceId: z.string(), command, ...terminal });
export type ExecInput = z.infer<typeof execInput>;

export const runInput = z.object({
  appId: z.string(),
  command,
  ...terminal,
  env: z.record(z.string(), z.string()).default({}),
  /** The command goes on when nobody watches it; its output is not sent. */
  detach: z.boolean().default(false),
});
export type RunInput = z.infer<typeof runInput>;

export const parseInput = <T extends z.ZodType>(schema: T, input: unknown): z.infer<T> => {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new RpcProblem('invalid-input', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
};
