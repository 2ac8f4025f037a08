import { engineStatus } from '@shiplog/engine';
import { EngineUnavailableError } from '../builds/problems.js';

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EACCES',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
]);

/** Runs a call to the engine; a missing engine becomes `EngineUnavailableError`, the rest stays. */
export const askEngine = async <T>(doing: string, call: () => Promise<T>): Promise<T> => {
  try {
    return await call();
  } catch (error) {
    if (isUnreachable(error)) throw new EngineUnavailableError(doing, { cause: error });
    throw error;
  }
};

const isUnreachable = (error: unknown): boolean =>
  engineStatus(error) === undefined &&
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  UNREACHABLE.has(error.code);

/** What the engine says is wrong, without dockerode's "(HTTP code 500) server error - " before it. */
export const engineMessage = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^\(HTTP code \d+\) .*? - /, '').trim();
};
