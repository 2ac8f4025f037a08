import type { World } from '@shiplog/domain';
import {
  aggregateOf,
  idOf,
  toSequence,
  type Actor,
  type AuditEvent,
  type Origin,
  type Position,
  type RecordedCommit,
  type Refusal,
  type Sequence,
} from '@shiplog/events';
import { appIdOf } from '../events/event-filter.js';
import type { Sealer } from './persons.js';

/** `read`: config values were shown. `unlisted`: there were more of these than are told of one by one. */
export type Outcome = 'done' | 'read' | 'unlisted' | Refusal['outcome'];

/** One line of the audit, with its origin still sealed. */
export interface SealedEntry {
  /** Commit id, and which of its entries. */
  readonly id: string;
  readonly position: Position;
  readonly sequence: Sequence;
  readonly time: string;
  readonly lastTime: string;
  readonly count: number;
  readonly outcome: Outcome;
  /** What was done (event types), or what was asked for and refused. */
  readonly actions: readonly string[];
  readonly code: string | null;
  readonly actor: Actor | null;
  readonly sealer: Sealer | null;
  readonly origin: Origin | null;
  readonly appId: string | null;
  readonly target: string | null;
  readonly keys: readonly string[];
  readonly reason: string | null;
  readonly correlation: string;
  readonly causation: string | null;
}

/** What a commit tells the audit: itself, or what the api saw and that changed nothing. */
export const entriesOf = (record: RecordedCommit, world: World): readonly SealedEntry[] =>
  aggregateOf(record.commit.stream) === 'audit'
    ? (record.commit.events as readonly AuditEvent[]).flatMap((event, index) => [
        ...observations(event).map((seen, n) => ({
          ...around(record, index),
          ...seen,
          id: `${record.commit.id}:${index}.${n}`,
          sealer:
            seen.actor === null
              ? ({ kind: 'strangers', day: idOf(record.commit.stream) } as const)
              : sealerOf(seen.actor),
        })),
        ...(event.data.unlisted === 0 ? [] : [unlistedOf(record, event, index)]),
      ])
    : [changeOf(record, world)];

type Around = Pick<SealedEntry, 'position' | 'sequence' | 'correlation' | 'causation'>;
type Observation = Omit<SealedEntry, keyof Around | 'id' | 'sealer'>;

const around = ({ commit, position }: RecordedCommit, index: number): Around => ({
  position,
  sequence: toSequence(position, index),
  correlation: commit.correlation,
  causation: commit.causation,
});

/** What the bounds left over: counted, so that a flood is seen as one. */
const unlistedOf = (record: RecordedCommit, event: AuditEvent, index: number): SealedEntry => ({
  ...around(record, index),
  id: `${record.commit.id}:${index}.unlisted`,
  time: record.commit.time,
  lastTime: record.commit.time,
  count: event.data.unlisted,
  outcome: 'unlisted',
  actions: [event.type],
  ...{
    code: null,
    actor: null,
    sealer: null,
    origin: null,
    appId: null,
    target: null,
    reason: null,
  },
  keys: [],
});

const changeOf = (record: RecordedCommit, world: World): SealedEntry => {
  const { commit } = record;
  const { id, time, actor, origin, reason, events } = commit;
  const appId = events.map((event) => appIdOf(event, world)).find((found) => found !== undefined);
  return {
    ...around(record, 0),
    id,
    time,
    lastTime: time,
    count: 1,
    outcome: 'done',
    actions: [...new Set(events.map(({ type }) => type))],
    code: null,
    actor,
    sealer: sealerOf(actor),
    origin,
    appId: appId ?? null,
    target: `${aggregateOf(commit.stream)} ${idOf(commit.stream)}`,
    keys: events.flatMap((event) =>
      event.type === 'ConfigChanged' || event.type === 'BasicAuthChanged'
        ? [...Object.keys(event.data.set), ...event.data.unset]
        : [],
    ),
    reason,
  };
};

const observations = (event: AuditEvent): readonly Observation[] => {
  switch (event.type) {
    case 'CommandsRefused':
      return event.data.refusals.map(({ outcome, code, command, firstAt, lastAt, ...seen }) => ({
        ...seen,
        time: firstAt,
        lastTime: lastAt,
        outcome,
        actions: command === null ? [] : [command],
        code,
        keys: [],
      }));
    case 'SecretsRead':
      return event.data.reads.map(({ firstAt, lastAt, keysUnlisted: _more, ...seen }) => ({
        ...seen,
        time: firstAt,
        lastTime: lastAt,
        outcome: 'read' as const,
        actions: ['SecretsRead'],
        code: null,
        target: null,
        reason: null,
      }));
    case 'OperationsDone':
      return event.data.operations.map(({ firstAt, lastAt, operation, ...seen }) => ({
        ...seen,
        time: firstAt,
        lastTime: lastAt,
        outcome: 'done' as const,
        actions: [operation],
        code: null,
        keys: [],
      }));
  }
};

/** Processes have no person's data. */
const sealerOf = ({ kind, id }: Actor): Sealer | null =>
  kind === 'user' ? { kind: 'person', userId: id } : null;
