import type { Commit, Position, Revision, StreamName } from '@shiplog/events';
import { LogUnavailableError, type EventLog } from '@shiplog/events/log';
import {
  NO_COMMIT,
  type Call,
  type StoredAtEnd,
  type StreamEnd,
  type Told,
} from '@shiplog/events/testing';

/** Writes down what callers of a log did and what they were told, on one clock. */
export class Recorder {
  readonly calls: Call[] = [];
  private clock = 0;

  /** Throws nothing that the log may throw: it is written down as what was told. */
  async append(
    log: EventLog,
    stream: StreamName,
    expected: Revision,
    commit: Commit,
  ): Promise<Told> {
    const calledAt = this.tick();
    const { told, failure } = await log.append(stream, expected, commit).then(
      (result) => ({ told: toldOf(result), failure: undefined }),
      (error: unknown) => failed(error),
    );
    const call = { stream, expected, id: commit.id, calledAt, returnedAt: this.tick(), told };
    this.calls.push({ kind: 'append', ...call });
    if (failure !== undefined) throw failure;
    return told;
  }

  /** The end of the stream; undefined where the log could not be read in time. */
  async read(log: EventLog, stream: StreamName): Promise<StreamEnd | undefined> {
    const calledAt = this.tick();
    try {
      const records = await log.read(stream);
      const ids = records.map(({ commit }) => commit.id);
      this.calls.push({ kind: 'read', stream, calledAt, returnedAt: this.tick(), ids });
      const last = records.at(-1);
      if (last === undefined) return NO_COMMIT;
      return { revision: last.revision, version: last.commit.to, hash: last.hash };
    } catch (error) {
      if (error instanceof LogUnavailableError) return undefined;
      throw error;
    }
  }

  count(outcome: Told['outcome']): number {
    return this.calls.filter((call) => call.kind === 'append' && call.told.outcome === outcome)
      .length;
  }

  private tick(): number {
    return (this.clock += 1);
  }
}

const toldOf = (result: Awaited<ReturnType<EventLog['append']>>): Told =>
  result.outcome === 'appended'
    ? { outcome: 'appended', position: result.position }
    : { outcome: 'conflict' };

const failed = (error: unknown): { told: Told; failure: Error | undefined } => {
  if (error instanceof LogUnavailableError)
    return { told: { outcome: error.outcome }, failure: undefined };
  const failure = error instanceof Error ? error : new Error(String(error));
  return { told: { outcome: 'unknown' }, failure };
};

/** What the log holds after a position, checked as every reader checks it. */
export const storedAtEnd = async (
  log: EventLog,
  after: Position,
): Promise<readonly StoredAtEnd[]> => {
  const records = await log.readAfter(after, 1_000_000);
  return records.map(({ position, commit: { stream, id, from, to } }) => ({
    position,
    stream,
    id,
    from,
    to,
  }));
};

/** Waits until it holds, turn by turn. */
export const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};
