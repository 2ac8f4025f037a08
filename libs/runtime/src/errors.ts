import { inspect } from 'node:util';

/** The world did not do what we asked: engine down, NATS timeout. Not a bug, not a refusal. */
export abstract class OperationalError extends Error {
  abstract readonly code: string;
  abstract readonly retryable: boolean;
  constructor(doing: string, options?: ErrorOptions) {
    super(doing, options);
    this.name = new.target.name;
  }
}

/** The whole chain in one line: `removing container c1: DELETE /containers/c1: connect ECONNREFUSED`. */
export const describeError = (error: unknown): string => {
  if (!(error instanceof Error)) return inspect(error);
  if (error.cause === undefined) return error.message;
  return `${error.message}: ${describeError(error.cause)}`;
};
