import type { DomainEventUnion, Freeze, FreezeEvent, FreezeWindow } from '@shiplog/events';
import { isSameFreeze, PLATFORM_FREEZES, type FreezeState } from '../freeze/index.js';
import { changedSince, isChangedSince } from './changed-since.js';
import { unneeded, type UndoProposal, type UndoQuestion } from './proposal.js';
import { own } from './app-question.js';
import { shellWord } from './words.js';

/** A freeze window as it was before it was added or removed. */
export const undoFreeze = (
  { data: { appId, freeze: name } }: FreezeEvent,
  question: UndoQuestion<FreezeState>,
): UndoProposal => {
  const was = own(question.before.freezes, name);
  const is = own(question.now.freezes, name);
  const what = `freeze ${name}`;
  const isAsBefore = was === undefined || is === undefined ? was === is : isSameFreeze(was, is);
  if (isAsBefore) return unneeded(`The ${what} is as it was before.`);
  const touches = (event: DomainEventUnion): boolean =>
    (event.type === 'FreezeAdded' || event.type === 'FreezeRemoved') && event.data.freeze === name;
  const since = isChangedSince(question, touches) ? [changedSince(what, question, touches)] : [];
  if (since.length > 0 && !question.force) {
    return { outcome: 'overtaken', why: `The ${what} was changed again since.`, leaves: since };
  }
  const place = appId === null ? '--platform' : `-a ${appId}`;
  const id = appId ?? PLATFORM_FREEZES;
  const common = { leaves: [], overwrites: since, settles: false };
  if (was === undefined) {
    return {
      outcome: 'possible',
      command: { aggregate: 'freeze', id, command: { type: 'RemoveFreeze', appId, freeze: name } },
      commandLines: [`shiplog freeze remove ${name} ${place}`],
      restores: [`There is no ${what} any more.`],
      causes: [],
      ...common,
    };
  }
  const command = { type: 'AddFreeze', appId, freeze: name, ...was } as const;
  return {
    outcome: 'possible',
    command: { aggregate: 'freeze', id, command },
    commandLines: [`shiplog freeze add ${name} ${lineOf(was)} ${place}`],
    restores: [`The ${what} is there again.`],
    causes: ['While it is open, nothing makes or moves releases.'],
    ...common,
  };
};

const lineOf = ({ window, timeZone, why }: Freeze): string =>
  [
    windowLine(window),
    `--time-zone ${shellWord(timeZone)}`,
    ...(why === null ? [] : [`-m ${shellWord(why)}`]),
  ].join(' ');

const windowLine = (window: FreezeWindow): string => {
  switch (window.kind) {
    case 'weekly':
      return shellWord(`${window.from} - ${window.until}`);
    case 'cron':
      return `--cron ${shellWord(window.schedule)} --for ${window.seconds}s`;
    case 'once':
      return `--from ${window.from} --to ${window.until}`;
  }
};
