import type { DomainEventUnion, Maintenance } from '@shiplog/events';
import { possible, type AppQuestion } from './app-question.js';
import { changedSince, isChangedSince } from './changed-since.js';
import { unneeded, type UndoProposal } from './proposal.js';
import { shellWord } from './words.js';

const isOfMaintenance = ({ type }: DomainEventUnion): boolean => type === 'MaintenanceChanged';

/** As it was before: none, or the one with the page, the reason and the addresses that it had. */
export const undoMaintenance = (question: AppQuestion): UndoProposal => {
  const { before, now } = question;
  if (before.maintenance === now.maintenance) {
    return unneeded('The maintenance is as it was before.');
  }
  const since = isChangedSince(question, isOfMaintenance)
    ? [changedSince('maintenance', question, isOfMaintenance)]
    : [];
  if (since.length > 0 && !question.force) {
    return { outcome: 'overtaken', why: 'The maintenance was changed again since.', leaves: since };
  }
  const meaning = { overwrites: since, settles: false };
  if (before.maintenance === undefined) {
    return possible(
      question,
      { type: 'EndMaintenance' },
      {
        ...meaning,
        lines: ['maintenance off'],
        restores: [`${now.name} is not in maintenance any more.`],
        causes: ['Its clients reach it again.'],
      },
    );
  }
  return possible(
    question,
    { type: 'BeginMaintenance', ...before.maintenance },
    {
      ...meaning,
      lines: [lineOf(before.maintenance)],
      restores: [`${now.name} is in maintenance as it was.`],
      causes: ['Its clients get the page of that maintenance.'],
    },
  );
};

const lineOf = ({ why, page, allow }: Maintenance): string =>
  [
    'maintenance on',
    ...allow.map((range) => `--allow ${range}`),
    ...(page === null ? [] : ['--page FILE']),
    ...(why === null ? [] : [`-m ${shellWord(why)}`]),
  ].join(' ');
