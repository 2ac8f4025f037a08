import { toSequence, type DomainEventUnion, type RecordedCommit } from '@shiplog/events';
import type { ChangedSince, UndoQuestion } from './proposal.js';

type Question = Pick<UndoQuestion<unknown>, 'commit' | 'later' | 'force'>;

/** One thing that a change made: as it was, as it was made, and as it is. */
export interface Part<V> {
  readonly name: string;
  readonly was: V | undefined;
  readonly made: V | undefined;
  readonly is: V | undefined;
}

interface Sorted<V> {
  /** To be brought back. */
  readonly back: readonly Part<V>[];
  readonly leaves: readonly ChangedSince[];
  readonly overwrites: readonly ChangedSince[];
}

/** What of a change is taken back, and what something came after; what is as it was needs nothing. */
export const sortParts = <V>(
  parts: readonly Part<V>[],
  question: Question,
  touches: (name: string, event: DomainEventUnion) => boolean,
): Sorted<V> => {
  const open = parts.filter(({ was, is }) => was !== is);
  // Also where it is as it was made: somebody may have wanted it so once more.
  const isTouched = ({ name, made, is }: Part<V>): boolean =>
    made !== is || isChangedSince(question, (event) => touches(name, event));
  const untouched = open.filter((part) => !isTouched(part));
  const since = open
    .filter(isTouched)
    .map(({ name }) => changedSince(name, question, (event) => touches(name, event)));
  return question.force
    ? { back: open, leaves: [], overwrites: since }
    : { back: untouched, leaves: since, overwrites: [] };
};

export const isChangedSince = (
  { later }: Pick<Question, 'later'>,
  touches: (event: DomainEventUnion) => boolean,
): boolean => later.some(({ commit: { events } }) => events.some(touches));

/** The newest change of something. */
export const changedSince = (
  what: string,
  { commit, later }: Pick<Question, 'commit' | 'later'>,
  touches: (event: DomainEventUnion) => boolean,
): ChangedSince => {
  const record = later.findLast(({ commit: { events } }) => events.some(touches)) ?? commit;
  return at(what, record, touches);
};

/** Every change of some kind. */
export const allChangesSince = (
  later: readonly RecordedCommit[],
  whatOf: (event: DomainEventUnion) => string | undefined,
): readonly ChangedSince[] =>
  later.flatMap((record) =>
    record.commit.events.flatMap((event) => {
      const what = whatOf(event);
      return what === undefined ? [] : [at(what, record, (one) => one === event)];
    }),
  );

const at = (
  what: string,
  { position, commit: { events, time, actor } }: RecordedCommit,
  touches: (event: DomainEventUnion) => boolean,
): ChangedSince => {
  const index = Math.max(0, events.findIndex(touches));
  return { what, sequence: toSequence(position, index), time, by: actor.name };
};
