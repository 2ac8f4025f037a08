import { setTimeout as delay } from 'node:timers/promises';
import { NoRespondersError, PermissionViolationError, RequestError } from '@nats-io/nats-core';
import type { Commit, Revision } from '../commit.js';
import { encodeCommit, sha256 } from '../log/encode.js';
import { CommitRefusedError, LogUnavailableError } from '../log/errors.js';
import type { AppendResult } from '../log/event-log.port.js';
import type { StreamName } from '../registry.js';
import { toPosition } from '../sequence.js';
import type { ConnectionWatch } from './connection-watch.js';
import { Deadline, type LogTimes } from '../log/deadline.js';
import type { StoredMessage } from './stored-message.js';
import { StreamApiError, type StreamApi } from './stream-api.js';
import { subjectOf } from './subjects.js';

/** `wrong last sequence`, the same while another message of the subject or of this id is under way. */
const WRONG_LAST_SEQUENCE = new Set([10071, 10164, 10158]);
/** Insufficient resources, insufficient storage, maximum bytes, maximum messages. */
const STORAGE_FULL = new Set([10023, 10047, 10077, 10122]);

interface Attempt {
  readonly subject: string;
  readonly commit: Commit;
  readonly bytes: Uint8Array;
  readonly hash: string;
  readonly expected: number;
}

type Found = Extract<AppendResult, { outcome: 'appended' }>;
/** What an attempt or a look tells: the answer, or that it must be tried again and what it may have left. */
type Step =
  | { readonly outcome: 'refused'; readonly doing: string; readonly cause: unknown }
  | AppendResult
  | { readonly outcome: 'again'; readonly wasSent: boolean; cause: unknown };

/**
 * Appends one commit. Nothing the server says is taken for a conflict before the leader was asked for
 * the own commit: a retry of a stored commit is answered "wrong last sequence" by nats-server ≥ 2.12. A lost
 * answer means *unknown*: look, and when it is not there publish the same bytes with the same expectation.
 * A late first arrival then loses against the second by its expectation, or is found by its id.
 */
export const appendCommit = async (
  api: StreamApi,
  watch: ConnectionWatch,
  times: LogTimes,
  input: { stream: StreamName; expected: Revision; commit: Commit },
): Promise<AppendResult> => {
  const bytes = encodeCommit(input.commit);
  const attempt: Attempt = {
    subject: subjectOf(input.stream),
    commit: input.commit,
    bytes,
    hash: sha256(bytes),
    expected: Number(input.expected),
  };
  if (input.commit.stream !== input.stream) {
    throw new CommitRefusedError(`a commit of ${input.commit.stream} appended to ${input.stream}`);
  }
  const deadline = new Deadline(times);
  let wasSent = false;
  for (let turn = 0; ; turn += 1) {
    const step: Step = wasSent
      ? await lookThenPublish(api, watch, deadline, attempt)
      : await publish(api, watch, deadline, attempt);
    if (step.outcome === 'refused') {
      throw new LogUnavailableError(step.doing, wasSent ? 'unknown' : 'not-written', step);
    }
    if (step.outcome !== 'again') return step;
    wasSent ||= step.wasSent;
    const pauseMs = Math.min(20 * 2 ** turn, 500) * (0.5 + Math.random() / 2);
    await delay(Math.min(pauseMs, deadline.leftMs));
    await watch.connected(deadline.leftMs);
    // Not one attempt more: what is sent without time for its answer only makes the outcome unknown.
    if (deadline.isOver) throw unavailable(attempt, wasSent, step.cause);
  }
};

const unavailable = ({ commit }: Attempt, wasSent: boolean, cause: unknown): LogUnavailableError =>
  new LogUnavailableError(
    wasSent
      ? `appending to ${commit.stream}: whether commit ${commit.id} is in the log is not known`
      : `appending to ${commit.stream}: nothing was written`,
    wasSent ? 'unknown' : 'not-written',
    { cause },
  );

const publish = async (
  api: StreamApi,
  watch: ConnectionWatch,
  deadline: Deadline,
  attempt: Attempt,
): Promise<Step> => {
  // While disconnected the client would keep the bytes for later: then nothing is known any more.
  if (!watch.isConnected) {
    return { outcome: 'again', wasSent: false, cause: new Error('not connected to nats-server') };
  }
  try {
    const ack = await watch.whileConnected(
      api.publish(attempt.subject, attempt.bytes, {
        messageId: attempt.commit.id,
        hash: attempt.hash,
        expectedLastSequence: attempt.expected,
        timeoutMs: deadline.attemptMs,
      }),
    );
    if (!ack.isDuplicate) return appended(ack.sequence, attempt.hash);
    const first = await api.at(ack.sequence, deadline.attemptMs);
    return first === undefined
      ? { outcome: 'again', wasSent: true, cause: undefined }
      : own(first, attempt);
  } catch (cause) {
    return afterFailedPublish(api, deadline, attempt, cause);
  }
};

const afterFailedPublish = async (
  api: StreamApi,
  deadline: Deadline,
  attempt: Attempt,
  cause: unknown,
): Promise<Step> => {
  if (cause instanceof CommitRefusedError) throw cause;
  if (cause instanceof StreamApiError) {
    if (WRONG_LAST_SEQUENCE.has(cause.errorCode)) {
      return afterWrongSequence(api, deadline, attempt, cause);
    }
    const why = STORAGE_FULL.has(cause.errorCode)
      ? "the log's disk is full; free space in the data directory"
      : 'the log refuses to write';
    return { outcome: 'refused', doing: `appending to ${attempt.commit.stream}: ${why}`, cause };
  }
  const reason = cause instanceof RequestError ? (cause.cause ?? cause) : cause;
  if (reason instanceof PermissionViolationError) {
    const doing = `appending to ${attempt.commit.stream}: this process may not write it`;
    return { outcome: 'refused', doing, cause };
  }
  // Nobody took the message (the stream is not up yet): this attempt left nothing behind.
  return { outcome: 'again', wasSent: !(reason instanceof NoRespondersError), cause };
};

const afterWrongSequence = async (
  api: StreamApi,
  deadline: Deadline,
  attempt: Attempt,
  cause: StreamApiError,
): Promise<Step> => {
  const looked = await look(api, deadline, attempt);
  if (looked !== 'absent') return looked;
  // 10071 with nothing after our expectation: the stream ends before it, so the caller saw another log.
  return cause.errorCode === 10071
    ? { outcome: 'conflict' }
    : { outcome: 'again', wasSent: true, cause };
};

const lookThenPublish = async (
  api: StreamApi,
  watch: ConnectionWatch,
  deadline: Deadline,
  attempt: Attempt,
): Promise<Step> => {
  const looked = await look(api, deadline, attempt);
  return looked === 'absent' ? publish(api, watch, deadline, attempt) : looked;
};

/** Only the next message of the subject can be ours: ours was sent with this expectation. */
const look = async (
  api: StreamApi,
  deadline: Deadline,
  attempt: Attempt,
): Promise<Step | 'absent'> => {
  try {
    const { subject, expected } = attempt;
    const next = await api.nextOn(subject, expected + 1, deadline.attemptMs);
    if (next === undefined) return 'absent';
    return next.messageId === attempt.commit.id ? own(next, attempt) : { outcome: 'conflict' };
  } catch (cause) {
    if (cause instanceof CommitRefusedError) throw cause;
    return { outcome: 'again', wasSent: true, cause };
  }
};

const own = (found: StoredMessage, { commit, hash }: Attempt): Found => {
  if (found.messageId !== commit.id || found.hash !== hash) {
    throw new CommitRefusedError(`commit id ${commit.id} was used before`);
  }
  return appended(found.sequence, hash);
};

const appended = (sequence: number, hash: string): Found => {
  const position = toPosition(sequence);
  return { outcome: 'appended', position, revision: position, hash };
};
