import type { DomainEventUnion } from '@shiplog/events';
import { portText, type KnownPort } from '../app/ports.js';
import { own, possible, type AppQuestion } from './app-question.js';
import { changedSince, isChangedSince } from './changed-since.js';
import { unneeded, type UndoProposal } from './proposal.js';

/** A port of the routers as it was before it was added or removed. */
export const undoPort = (port: number, question: AppQuestion): UndoProposal => {
  const { before, now, facts } = question;
  const was = own(before.ports ?? {}, String(port));
  const is = own(now.ports ?? {}, String(port));
  const what = `port ${port}`;
  if (textOf(was) === textOf(is)) return unneeded(`The ${what} is as it was before.`);
  const touches = (event: DomainEventUnion): boolean =>
    (event.type === 'PortAdded' || event.type === 'PortRemoved') && event.data.port === port;
  const since = isChangedSince(question, touches) ? [changedSince(what, question, touches)] : [];
  if (since.length > 0 && (!question.force || (was !== undefined && is !== undefined))) {
    return { outcome: 'overtaken', why: `The ${what} was changed again since.`, leaves: since };
  }
  if (was === undefined) {
    return possible(
      question,
      { type: 'RemovePort', port },
      {
        lines: [`ports remove ${port}`],
        restores: [`The ${what} does not lead to ${now.name} any more.`],
        causes: [
          'Connections that are open end with the drain deadline. Another app may take the port.',
        ],
        overwrites: since,
      },
    );
  }
  return possible(
    question,
    { type: 'AddPort', port, ...was, baseVersion: facts.liveVersion },
    {
      lines: [`ports add ${port}${flagsOf(was)}`],
      restores: [`The ${what} leads to ${portText(was)} of ${now.name} again.`],
      causes: ['It is refused if another app has taken the port meanwhile.'],
      overwrites: since,
    },
  );
};

const textOf = (port: KnownPort | undefined): string => (port === undefined ? '' : portText(port));

const flagsOf = ({ process, containerPort }: KnownPort): string =>
  ` --process ${process}${containerPort === null ? '' : ` --container-port ${containerPort}`}`;
