import type { DomainEventUnion, DomainUse } from '@shiplog/events';
import { isSameUse, useOf } from '../app/index.js';
import { possible, type AppQuestion } from './app-question.js';
import { changedSince, isChangedSince } from './changed-since.js';
import { unneeded, type UndoProposal } from './proposal.js';
import { formationText } from './words.js';

interface Switch {
  /** Whom it is told with. */
  readonly what: string;
  /** What turned it round since, where it is as it was before. */
  readonly turned: string | false;
  readonly touches: (event: DomainEventUnion) => boolean;
}

/** What is on or off: the opposite, unless somebody turned it round and back since. */
const turnRound = (
  question: AppQuestion,
  { what, turned, touches }: Switch,
  command: Parameters<typeof possible>[1],
  meaning: Parameters<typeof possible>[2],
): UndoProposal => {
  if (turned !== false) return unneeded(`${what} was ${turned} again since.`);
  const since = isChangedSince(question, touches) ? [changedSince(what, question, touches)] : [];
  if (since.length > 0 && !question.force) {
    return { outcome: 'overtaken', why: `${what} was changed again since.`, leaves: since };
  }
  return possible(question, command, { ...meaning, overwrites: since });
};

const isOfRunning = ({ type }: DomainEventUnion): boolean =>
  type === 'AppStopped' || type === 'AppStarted';

export const undoStop = (question: AppQuestion): UndoProposal => {
  const { name, stopped, formation } = question.now;
  return turnRound(
    question,
    { what: name, turned: stopped ? false : 'started', touches: isOfRunning },
    { type: 'StartApp' },
    {
      lines: ['start'],
      restores: [`${name} runs again.`],
      causes: [`Instances start: ${formationText(formation)}.`],
    },
  );
};

export const undoStart = (question: AppQuestion): UndoProposal => {
  const { name, stopped } = question.now;
  return turnRound(
    question,
    { what: name, turned: stopped ? 'stopped' : false, touches: isOfRunning },
    { type: 'StopApp' },
    {
      lines: ['stop'],
      restores: [`${name} is stopped again.`],
      causes: ['All its instances finish their requests and stop; it answers no more.'],
    },
  );
};

const isOfHost =
  (host: string) =>
  (event: DomainEventUnion): boolean =>
    OF_DOMAIN.has(event.type) && 'host' in event.data && event.data.host === host;
const OF_DOMAIN = new Set(['DomainAdded', 'DomainUseChanged', 'DomainRemoved']);

export const undoDomainAdded = (host: string, question: AppQuestion): UndoProposal => {
  const { name, domains } = question.now;
  return turnRound(
    question,
    { what: host, turned: domains.includes(host) ? false : 'removed', touches: isOfHost(host) },
    { type: 'RemoveDomain', host },
    {
      lines: [`domains remove ${host}`],
      restores: [`${host} does not lead to ${name} any more.`],
      causes: ['The host becomes free: another app may take it.'],
    },
  );
};

export const undoDomainRemoved = (host: string, question: AppQuestion): UndoProposal => {
  const { name, domains } = question.now;
  return turnRound(
    question,
    { what: host, turned: domains.includes(host) ? 'added' : false, touches: isOfHost(host) },
    { type: 'AddDomain', host, use: useOf(question.before, host) },
    {
      lines: [`domains add ${host}${useFlags(useOf(question.before, host))}`],
      restores: [`${host} leads to ${name} again.`],
      causes: ['It is refused if another app has taken the host meanwhile.'],
    },
  );
};

export const undoDomainUse = (host: string, question: AppQuestion): UndoProposal => {
  const { name, domains } = question.now;
  const was = useOf(question.before, host);
  if (!domains.includes(host)) return unneeded(`${host} was removed since.`);
  if (isSameUse(was, useOf(question.now, host))) return unneeded(`${host} is as it was before.`);
  return turnRound(
    question,
    { what: host, turned: false, touches: isOfHost(host) },
    { type: 'AddDomain', host, use: was },
    {
      lines: [`domains add ${host}${useFlags(was)}`],
      restores: [
        was.kind === 'serve'
          ? `${name} answers at ${host} again.`
          : `${host} leads clients to ${was.to} again.`,
      ],
      causes: [],
    },
  );
};

const useFlags = (use: DomainUse): string => {
  if (use.kind === 'redirect') return ` --redirect ${use.to} --status ${use.status}`;
  return use.strip ? ' --strip' : '';
};
