import type { DomainEventUnion } from '@shiplog/events';
import {
  newRelease,
  nothingLeft,
  own,
  possible,
  type AppQuestion,
  type EventNamed,
} from './app-question.js';
import { sortParts } from './changed-since.js';
import type { UndoProposal } from './proposal.js';

export const undoConfig = (
  { data }: EventNamed<'ConfigChanged'>,
  question: AppQuestion,
): UndoProposal => {
  const { before, now, facts } = question;
  const names = [...new Set([...Object.keys(data.set), ...data.unset])];
  const parts = names.map((name) => ({
    name,
    was: own(before.config, name),
    made: own(data.set, name),
    is: own(now.config, name),
  }));
  const { back, leaves, overwrites } = sortParts(parts, question, touchesKey);
  if (back.length === 0) return nothingLeft('keys', leaves);
  const set = Object.fromEntries(
    back.flatMap(({ name, was }) => (was === undefined ? [] : [[name, was]])),
  );
  const unset = back.filter(({ was }) => was === undefined).map(({ name }) => name);
  const shown = Object.keys(set);
  return possible(
    question,
    { type: 'ChangeConfig', set, unset, baseVersion: facts.liveVersion },
    {
      lines: [
        ...(shown.length === 0 ? [] : [`config set ${shown.map((key) => `${key}=…`).join(' ')}`]),
        ...(unset.length === 0 ? [] : [`config unset ${unset.join(' ')}`]),
      ],
      restores: [
        ...shown.map((key) => `${key} has the value again that it had before.`),
        ...unset.map((key) => `${key} is not set any more.`),
      ],
      causes: newRelease(now),
      leaves,
      overwrites,
    },
  );
};

const touchesKey = (key: string, event: DomainEventUnion): boolean =>
  event.type === 'ConfigChanged' &&
  (Object.hasOwn(event.data.set, key) || event.data.unset.includes(key));
