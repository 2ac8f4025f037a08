import type { NatsConnection } from '@nats-io/nats-core';
import { HEALTH_STREAM, LOG_STREAM } from '@shiplog/events/jetstream';
import { OperationalError } from '@shiplog/runtime';
import {
  differencesOf,
  healthStreamConfig,
  logStreamConfig,
  type LogStreamOptions,
} from './log-stream.js';

/** The log stream is not as it must be, or lost something. Nothing was changed. */
export class StreamRefusedError extends OperationalError {
  readonly code = 'log-stream-refused';
  readonly retryable = false;
  constructor(
    message: string,
    /** A setting differs, or commits are missing. */
    readonly what: 'settings' | 'gaps' = 'settings',
  ) {
    super(message);
  }
}

interface StreamAnswer {
  readonly error?: { readonly err_code: number; readonly description: string };
  readonly config?: Readonly<Record<string, unknown>>;
  readonly state?: {
    readonly messages: number;
    readonly first_seq: number;
    readonly last_seq: number;
    readonly num_deleted?: number;
    readonly lost?: { readonly msgs?: readonly number[] | null; readonly bytes?: number };
  };
}

const STREAM_NOT_FOUND = 10059;

/**
 * Creates the log stream where there is none, and refuses one that differs in any setting: a limit set
 * by hand would delete history. Makes the stream beside it that processes probe the server with.
 * Called at every start and from time to time.
 */
export const assertStreams = async (
  connection: NatsConnection,
  options: LogStreamOptions = {},
): Promise<void> => {
  const wanted = logStreamConfig(options);
  let answer = await ask(connection, `$JS.API.STREAM.INFO.${LOG_STREAM}`, {});
  if (answer.error?.err_code === STREAM_NOT_FOUND) {
    answer = await ask(connection, `$JS.API.STREAM.CREATE.${LOG_STREAM}`, wanted);
  }
  if (answer.error !== undefined) {
    throw new StreamRefusedError(
      `asserting the log stream: nats-server says "${answer.error.description}" (${answer.error.err_code})`,
    );
  }
  const differences = differencesOf(wanted, answer.config ?? {});
  if (differences.length > 0) {
    throw new StreamRefusedError(
      `the log stream ${LOG_STREAM} was changed: ${differences.join('; ')}. ` +
        'Somebody changed it with administrator rights; set it back before history is lost',
    );
  }
  assertWhole(answer.state);
  await ensureHealthStream(connection);
};

/** Made once; with the same settings again nothing happens. */
const ensureHealthStream = async (connection: NatsConnection): Promise<void> => {
  const subject = `$JS.API.STREAM.CREATE.${HEALTH_STREAM}`;
  const answer = await ask(connection, subject, healthStreamConfig);
  if (answer.error === undefined) return;
  const { description, err_code: code } = answer.error;
  throw new StreamRefusedError(
    `making the stream ${HEALTH_STREAM}: nats-server says "${description}" (${code})`,
  );
};

const assertWhole = (state: StreamAnswer['state']): void => {
  if (state === undefined || state.last_seq === 0) return;
  const isWhole =
    state.first_seq === 1 &&
    (state.num_deleted ?? 0) === 0 &&
    state.lost === undefined &&
    state.messages === state.last_seq;
  if (isWhole) return;
  throw new StreamRefusedError(
    `the log lost commits: it holds ${state.messages} of ${state.last_seq} (first ${state.first_seq}, ` +
      `deleted ${state.num_deleted ?? 0}, unreadable ${state.lost?.msgs?.length ?? 0}). Restore it from a backup`,
    'gaps',
  );
};

const ask = async (
  connection: NatsConnection,
  subject: string,
  body: object,
): Promise<StreamAnswer> => {
  const answer = await connection.request(subject, JSON.stringify(body), { timeout: 10_000 });
  return answer.json<StreamAnswer>();
};
