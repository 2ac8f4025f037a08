import type { CommandContext } from '@shiplog/commands';
import { Problem } from '../http/problem.js';

/**
 * For the commits of a request that are not the one that makes it known: its key would be used up with the first of
 * them, and the revision that the caller saw is that of the app.
 */
export const ofOneStep = (context: CommandContext): CommandContext => {
  const { command: _command, expectedRevision: _revision, ...plain } = context;
  return plain;
};

/** Was it refused for sure? A commit that may yet turn up keeps what was reserved for it. */
export const isRefused = (error: unknown): boolean =>
  error instanceof Problem && error.code !== 'not-caught-up';
