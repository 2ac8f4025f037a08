import { BusError } from '@shiplog/bus';
import { CrowdedError } from '@shiplog/commands';
import { CommitRefusedError, LogUnavailableError } from '@shiplog/events/log';
import {
  AtUnknownError,
  ModelParkedError,
  NoRebuildError,
  NotReachedError,
  PastCrowdedError,
  ProjectionFailedError,
  ReadModelsUnavailableError,
  RebuildCancelledError,
  RebuildDiffersError,
  RebuildRunningError,
} from '@shiplog/read-models';
import { KeyMissingError, KeyStoreError } from '@shiplog/secrets';
import { SourceTooLargeError } from '@shiplog/sources';
import { PROBLEMS, type ProblemCode } from './problem-codes.js';
import { Problem } from './problem.js';

const RETRY_SOON = { 'Retry-After': '2' };

/** Whatever was thrown, as the one document that the caller gets. What is not known here is a bug: 500 without its text. */
export const toProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  if (error instanceof LogUnavailableError) return logProblem(error);
  if (error instanceof CrowdedError) {
    return new Problem(
      'too-many-changes',
      'Too many changes of this app came at once, so this one was not made. Try again shortly.',
      { headers: RETRY_SOON, cause: error },
    );
  }
  if (error instanceof BusError) return busProblem(error);
  return (
    readProblem(error) ??
    rebuildProblem(error) ??
    storageProblem(error) ??
    new Problem(
      'internal',
      'Something is wrong inside the platform, not with your request. The log of the api names this request.',
      { cause: error },
    )
  );
};

const readProblem = (error: unknown): Problem | undefined => {
  if (error instanceof AtUnknownError) {
    return new Problem('moment-unknown', `query.at: ${error.message}.`, { cause: error });
  }
  if (error instanceof PastCrowdedError) {
    return new Problem(
      'too-many-looks',
      'Too many people look at different moments of the past at once. Try again shortly.',
      { headers: RETRY_SOON, cause: error },
    );
  }
  if (error instanceof NotReachedError || error instanceof ReadModelsUnavailableError) {
    return new Problem(
      'not-caught-up',
      'The read models cannot answer at the moment; changes and running apps are not affected. Try again shortly; `shiplog doctor` tells more.',
      { headers: RETRY_SOON, cause: error },
    );
  }
  if (error instanceof URIError) {
    return new Problem(
      'bad-request',
      'The address has a "%" that is not followed by two hexadecimal digits of UTF-8.',
    );
  }
  if (isNodeError(error) && BROKEN_OFF.has(error.code ?? '')) {
    return new Problem('bad-request', 'The connection ended before the whole body had arrived.', {
      cause: error,
    });
  }
  return undefined;
};

/** What rebuilds and parked models are refused with. */
const rebuildProblem = (error: unknown): Problem | undefined => {
  if (error instanceof ModelParkedError) {
    return new Problem(
      'read-model-parked',
      `What is asked for is not known here: ${error.message}. Everything else is up to date; \`shiplog doctor\` says what to do.`,
      { members: { model: error.model, sequence: error.sequence }, cause: error },
    );
  }
  if (error instanceof ProjectionFailedError) {
    return new Problem(
      'projection-failed',
      `${sentence(error.message)} What is served stays as it is. A version of Shiplog that can apply the event makes it; \`shiplog doctor\` tells more.`,
      { members: { model: error.model, sequence: error.at?.sequence ?? null }, cause: error },
    );
  }
  if (error instanceof RebuildRunningError) {
    return new Problem(
      'rebuild-running',
      `${sentence(error.message)} \`shiplog rebuild --status\` shows it, \`shiplog rebuild --cancel\` ends it.`,
      { cause: error },
    );
  }
  if (error instanceof RebuildDiffersError) {
    const members = { differences: error.differences };
    return new Problem(
      'rebuild-differs',
      `${sentence(error.message)} What is served stays as it is. \`shiplog rebuild --force\` serves the rebuilt ones.`,
      { members, cause: error },
    );
  }
  if (error instanceof RebuildCancelledError) {
    return new Problem('rebuild-cancelled', sentence(error.message), { cause: error });
  }
  if (error instanceof NoRebuildError) {
    return new Problem('no-rebuild', 'No rebuild is under way: there is nothing to cancel.', {
      cause: error,
    });
  }
  return undefined;
};

const storageProblem = (error: unknown): Problem | undefined => {
  if (error instanceof CommitRefusedError) {
    return new Problem('body-too-large', `The change cannot be stored: ${error.message}.`, {
      cause: error,
    });
  }
  if (error instanceof KeyMissingError) {
    return new Problem(
      'key-missing',
      'The key that config values of this app are encrypted with is not in the key store, so they cannot be read. Set the values again, or restore the keys directory from a backup.',
      { cause: error },
    );
  }
  if (error instanceof KeyStoreError) {
    return new Problem('key-store-unusable', sentence(error.message), { cause: error });
  }
  if (error instanceof SourceTooLargeError) {
    return new Problem(
      'body-too-large',
      `The source is larger than ${error.limitBytes} bytes. Leave out what the build does not need (.shiplogignore, .dockerignore).`,
    );
  }
  if (isNodeError(error) && DISK_FULL.has(error.code ?? '')) {
    return new Problem(
      'storage-full',
      'The disk of the platform is full, so nothing was stored. Free some space and try again.',
      { cause: error },
    );
  }
  return undefined;
};

const DISK_FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);
const BROKEN_OFF: ReadonlySet<string> = new Set(['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE']);

const logProblem = (error: LogUnavailableError): Problem =>
  error.outcome === 'unknown'
    ? new Problem(
        'outcome-unknown',
        'The log did not confirm the change in time: it may have happened or not. Send the same request with the same Idempotency-Key again to find out; it will not happen twice.',
        { headers: RETRY_SOON, cause: error },
      )
    : new Problem(
        'log-unavailable',
        error.obstacle === undefined
          ? 'The event log takes no changes at the moment, so nothing has changed. Running apps are not affected. Try again shortly; `shiplog doctor` tells more.'
          : `The event log takes no changes, so nothing has changed: ${error.obstacle}. Running apps are not affected.`,
        { headers: RETRY_SOON, cause: error },
      );

/** Workers refuse in words of their own; those that have a status here keep it. */
const busProblem = (error: BusError): Problem => {
  if (isProblemCode(error.code)) return new Problem(error.code, sentence(error.message));
  return error.code === 'no-answer'
    ? new Problem(
        'worker-unreachable',
        'The worker that does this does not answer. Running apps are not affected. Try again shortly; `shiplog doctor` names what is down.',
        { headers: RETRY_SOON, cause: error },
      )
    : new Problem('worker-failed', sentence(error.message), {
        members: { workerCode: error.code },
        cause: error,
      });
};

const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(PROBLEMS, code);

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

const isNodeError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error;
