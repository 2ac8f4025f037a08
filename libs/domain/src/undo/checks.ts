import type { DomainEventUnion } from '@shiplog/events';
import { checkText, setCheck } from '../app/checks.js';
import { possible, type AppQuestion, type EventNamed } from './app-question.js';
import { changedSince, isChangedSince } from './changed-since.js';
import { unneeded, type UndoProposal } from './proposal.js';
import { shellWord } from './words.js';

/** A health check as it was before, unless somebody changed it again since. */
export const undoHealthCheck = (
  { data: { process, probe, check: made } }: EventNamed<'HealthCheckChanged'>,
  question: AppQuestion,
): UndoProposal => {
  const { before, now } = question;
  const name = `${process}.${probe}`;
  const was = setCheck(before.checks, process, probe);
  const is = setCheck(now.checks, process, probe);
  if (checkText(was) === checkText(is)) return unneeded(`${name} is as it was before.`);
  const touches = (event: DomainEventUnion): boolean =>
    event.type === 'HealthCheckChanged' &&
    event.data.process === process &&
    event.data.probe === probe;
  const isTouched =
    checkText(made ?? undefined) !== checkText(is) || isChangedSince(question, touches);
  const since = isTouched ? [changedSince(name, question, touches)] : [];
  if (since.length > 0 && !question.force) {
    return { outcome: 'overtaken', why: `${name} was changed again since.`, leaves: since };
  }
  return possible(
    question,
    {
      type: 'ChangeSettings',
      changes: {},
      checks: { [process]: { [probe]: was ?? null } },
      baseVersion: null,
    },
    {
      lines: [`settings set ${shellWord(`${name}=${checkText(was)}`)}`],
      restores: [`${name} is ${checkText(was)} again.`],
      causes: ['It counts at once; nothing is started again for it.'],
      overwrites: since,
    },
  );
};
