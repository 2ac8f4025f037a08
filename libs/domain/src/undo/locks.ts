import type { DomainEventUnion } from '@shiplog/events';
import { activeLock, type Lock } from '../app/lock.js';
import { possible, type AppQuestion, type EventNamed } from './app-question.js';
import { changedSince, isChangedSince } from './changed-since.js';
import { unneeded, type ChangedSince, type UndoProposal } from './proposal.js';
import { shellWord } from './words.js';

/** A lock goes, or the one that it took the place of comes back. */
export const undoLock = (
  { data }: EventNamed<'AppLocked'>,
  question: AppQuestion,
): UndoProposal => {
  const { before, now } = question;
  if (now.lock === undefined) return unneeded(`${now.name} was unlocked since.`);
  const since = changesSince(question);
  if (since.length > 0 && !question.force) return relocked(since);
  // One that had ended by itself was not taken the place of.
  const replaced = activeLock(before.lock, data.since);
  if (replaced !== undefined) return lockAgain(question, replaced, since);
  return possible(
    question,
    // It may have ended by itself: at its own beginning it held.
    { type: 'UnlockApp', at: data.since },
    {
      lines: ['unlock'],
      restores: [`${now.name} is not locked any more.`],
      causes: ['Releases are made and moved again.'],
      overwrites: since,
      settles: false,
    },
  );
};

/** The same lock again, of whoever had it. */
export const undoUnlock = (question: AppQuestion): UndoProposal => {
  const { lock } = question.before;
  if (lock === undefined || lock === question.now.lock) {
    return unneeded('The lock is as it was before.');
  }
  const since = changesSince(question);
  if (since.length > 0 && !question.force) return relocked(since);
  return lockAgain(question, lock, since);
};

const lockAgain = (
  question: AppQuestion,
  lock: Lock,
  overwrites: readonly ChangedSince[],
): UndoProposal => {
  const end = lock.until === null ? '' : ` --until ${lock.until}`;
  return possible(
    question,
    { type: 'LockApp', ...lock },
    {
      lines: [`lock${end} -m ${shellWord(lock.why)}`],
      restores: [`${question.now.name} is locked by ${lock.by.name} again: ${lock.why}`],
      causes: [
        lock.until === null
          ? 'Nothing makes or moves releases until it is unlocked.'
          : `Nothing makes or moves releases until ${lock.until}, unless that is over.`,
      ],
      overwrites,
      settles: false,
    },
  );
};

const isOfLock = ({ type }: DomainEventUnion): boolean =>
  type === 'AppLocked' || type === 'AppUnlocked';

const changesSince = (question: AppQuestion): readonly ChangedSince[] =>
  isChangedSince(question, isOfLock) ? [changedSince('lock', question, isOfLock)] : [];

const relocked = (leaves: readonly ChangedSince[]): UndoProposal => ({
  outcome: 'overtaken',
  why: 'The lock was changed again since.',
  leaves,
});
