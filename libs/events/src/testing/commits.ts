import { v7 as uuidv7 } from 'uuid';
import { EMPTY, type Commit, type Revision } from '../commit.js';
import type { EventLog } from '../log/event-log.port.js';
import { idOf, streamName, type DomainEventUnion, type StreamName } from '../registry.js';

/** Where a stream ends, as far as the test knows. */
export interface StreamEnd {
  readonly revision: Revision;
  readonly version: number;
  readonly hash: string | null;
}

export const NO_COMMIT: StreamEnd = { revision: EMPTY, version: 0, hash: null };

/** A stream of the api that no other test uses. */
export const newStream = (): StreamName => streamName('app', uuidv7());

export const scaled = (stream: StreamName, web: number): DomainEventUnion => ({
  type: 'FormationScaled',
  v: 1,
  // At most as many as an app may have.
  data: { appId: idOf(stream), formation: { web: web % 101 } },
});

/** A commit that follows `end`; one event unless told otherwise. */
export const commitAfter = (
  stream: StreamName,
  end: StreamEnd,
  change: Partial<Commit> = {},
): Commit => {
  const id = uuidv7();
  const events = change.events ?? [scaled(stream, end.version + 1)];
  return {
    v: 1,
    id,
    command: null,
    stream,
    from: end.version,
    to: end.version + events.length,
    previousHash: end.hash,
    actor: { kind: 'user', id: 'u1', name: 'ann' },
    origin: null,
    reason: null,
    correlation: id,
    causation: null,
    time: '2026-11-21T10:00:00.000Z',
    ...change,
    events,
  };
};

/** Where a stream ends, as the log has it. */
export const endOf = async (log: EventLog, stream: StreamName): Promise<StreamEnd> => {
  const last = (await log.read(stream)).at(-1);
  return last === undefined
    ? NO_COMMIT
    : { revision: last.revision, version: last.commit.to, hash: last.hash };
};

/** Appends `count` commits, one after the other; returns the new end. */
export const appendMany = async (
  log: EventLog,
  stream: StreamName,
  count: number,
  from: StreamEnd = NO_COMMIT,
): Promise<StreamEnd> => {
  let end = from;
  for (let i = 0; i < count; i += 1) {
    const result = await log.append(stream, end.revision, commitAfter(stream, end));
    if (result.outcome !== 'appended') throw new Error(`commit ${i} met a ${result.outcome}`);
    end = { revision: result.revision, version: end.version + 1, hash: result.hash };
  }
  return end;
};

/** Reads the stream, appends one event, and does so again when somebody was faster. */
export const increment = async (log: EventLog, stream: StreamName): Promise<void> => {
  for (;;) {
    const end = await endOf(log, stream);
    const result = await log.append(stream, end.revision, commitAfter(stream, end));
    if (result.outcome === 'appended') return;
  }
};
