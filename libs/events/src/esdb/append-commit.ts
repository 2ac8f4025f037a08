import { setTimeout as delay } from 'node:timers/promises';
import type { Commit, Revision } from '../commit.js';
import { Deadline, type LogTimes } from '../log/deadline.js';
import { encodeCommit, sha256 } from '../log/encode.js';
import { CommitRefusedError, LogUnavailableError } from '../log/errors.js';
import type { AppendResult } from '../log/event-log.port.js';
import type { StreamName } from '../registry.js';
import {
  ACCESS_DENIED,
  DEADLINE_EXCEEDED,
  NOT_LEADER,
  STREAM_DELETED,
  TOO_LARGE,
  UNAVAILABLE,
  WRONG_EXPECTED_VERSION,
  errorTypeOf,
  type EsdbApi,
  type EsdbEvent,
  type EventToAppend,
} from './esdb-api.js';
import { esdbStreamOf } from './names.js';
import { hashOf, positionOf, revisionOf, toEvent } from './stored-event.js';

interface Attempt {
  readonly stream: string;
  readonly event: EventToAppend;
  readonly hash: string;
  /** Where the commit will lie in its stream, counted from 0. */
  readonly revision: bigint;
}

/** What an attempt or a look tells: the answer, or that it must be tried again and what it may have left. */
type Step =
  | AppendResult
  | { readonly outcome: 'refused'; readonly why: string; readonly cause: unknown }
  | { readonly outcome: 'again'; readonly wasSent: boolean; readonly cause: unknown };

/**
 * Appends one commit. EventStoreDB takes an event id that it has at this place for a repetition and says
 * "appended" whatever the bytes are; a lost answer or a connection that broke says nothing at all. So what
 * lies at the place is read before anything is said, and nothing but that decides.
 */
export const appendCommit = async (
  api: EsdbApi,
  logName: string,
  times: LogTimes,
  input: { stream: StreamName; expected: Revision; commit: Commit },
): Promise<AppendResult> => {
  const { commit, expected } = input;
  if (commit.stream !== input.stream) {
    throw new CommitRefusedError(`a commit of ${commit.stream} appended to ${input.stream}`);
  }
  const stream = esdbStreamOf(logName, input.stream);
  const bytes = encodeCommit(commit);
  const hash = sha256(bytes);
  return appendEvent(api, times, {
    stream,
    event: toEvent(commit, bytes, hash),
    hash,
    revision: BigInt(expected),
  });
};

export const appendEvent = async (
  api: EsdbApi,
  times: LogTimes,
  attempt: Attempt,
): Promise<AppendResult> => {
  const deadline = new Deadline(times);
  const doing = `appending to ${attempt.stream}`;
  let wasSent = false;
  for (let turn = 0; ; turn += 1) {
    const step = await next(api, deadline, attempt, wasSent);
    if (step.outcome === 'refused') {
      const { why, cause } = step;
      throw new LogUnavailableError(`${doing}: ${why}`, wasSent ? 'unknown' : 'not-written', {
        cause,
      });
    }
    if (step.outcome !== 'again') return step;
    wasSent ||= step.wasSent;
    const pauseMs = Math.min(20 * 2 ** turn, 500) * (0.5 + Math.random() / 2);
    await delay(Math.min(pauseMs, deadline.leftMs));
    // Not one attempt more: what is sent without time for its answer only makes the outcome unknown.
    if (deadline.isOver) throw unavailable(attempt, wasSent, step.cause);
  }
};

const unavailable = (
  { stream, event }: Attempt,
  wasSent: boolean,
  cause: unknown,
): LogUnavailableError =>
  new LogUnavailableError(
    wasSent
      ? `appending to ${stream}: whether commit ${event.id} is in the log is not known`
      : `appending to ${stream}: nothing was written`,
    wasSent ? 'unknown' : 'not-written',
    { cause },
  );

const next = async (
  api: EsdbApi,
  deadline: Deadline,
  attempt: Attempt,
  wasSent: boolean,
): Promise<Step> => {
  if (wasSent) {
    const looked = await look(api, deadline, attempt);
    if (looked !== 'absent') return looked;
  }
  try {
    const expected = attempt.revision === 0n ? undefined : attempt.revision - 1n;
    await api.append(attempt.stream, attempt.event, expected, deadline.attemptMs);
  } catch (cause) {
    return afterFailure(api, deadline, attempt, cause);
  }
  const stored = await look(api, deadline, attempt);
  // Said to be there and not to be seen: a server that went back in time, or another one.
  return stored === 'absent' ? { outcome: 'again', wasSent: true, cause: undefined } : stored;
};

const afterFailure = async (
  api: EsdbApi,
  deadline: Deadline,
  attempt: Attempt,
  cause: unknown,
): Promise<Step> => {
  switch (errorTypeOf(cause)) {
    case WRONG_EXPECTED_VERSION: {
      const looked = await look(api, deadline, attempt);
      // The stream ends before our place: the caller saw another log.
      return looked === 'absent' ? { outcome: 'conflict' } : looked;
    }
    case ACCESS_DENIED:
      return { outcome: 'refused', why: 'the user of EventStoreDB may not write it', cause };
    case STREAM_DELETED:
      return { outcome: 'refused', why: 'somebody deleted this stream in EventStoreDB', cause };
    case TOO_LARGE:
      return {
        outcome: 'refused',
        why: 'EventStoreDB takes no event of this size; MaxAppendSize must be 1 MiB or more',
        cause,
      };
    case NOT_LEADER:
      return { outcome: 'again', wasSent: false, cause };
    default:
      return { outcome: 'again', wasSent: !wasNeverConnected(cause), cause };
  }
};

/** Nobody took the connection: this attempt left nothing behind. As grpc-js words it, which has no code for it. */
const wasNeverConnected = (cause: unknown): boolean => {
  const type = errorTypeOf(cause);
  if (type === UNAVAILABLE) {
    return /ECONNREFUSED|No connection established/.test((cause as Error).message);
  }
  return type === DEADLINE_EXCEEDED && WAITED_FOR_A_CONNECTION.test((cause as Error).message);
};

/** What a call was doing when its time was over, told last: each of these comes before anything is sent. */
const WAITED_FOR_A_CONNECTION = /waiting for (?:name resolution|metadata filters|LB pick)$/i;

/** What lies at our place is ours, or somebody else's, or nothing. */
const look = async (
  api: EsdbApi,
  deadline: Deadline,
  attempt: Attempt,
): Promise<Step | 'absent'> => {
  try {
    const { stream, revision } = attempt;
    const [event] = await api.ofStream(stream, revision, 1, deadline.attemptMs);
    if (event === undefined) return 'absent';
    return event.id === attempt.event.id ? own(event, attempt) : { outcome: 'conflict' };
  } catch (cause) {
    if (cause instanceof CommitRefusedError) throw cause;
    return { outcome: 'again', wasSent: true, cause };
  }
};

const own = (found: EsdbEvent, { event, hash }: Attempt): AppendResult => {
  if (hashOf(found) !== hash || Buffer.compare(found.bytes, event.bytes) !== 0) {
    throw new CommitRefusedError(`commit id ${event.id} was used before`);
  }
  return { outcome: 'appended', position: positionOf(found), revision: revisionOf(found), hash };
};
