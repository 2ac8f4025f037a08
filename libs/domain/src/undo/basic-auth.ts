import type { DomainEventUnion } from '@shiplog/events';
import { OPEN_TO_ALL, type BasicAuth } from '../app/basic-auth.js';
import { nothingLeft, own, possible, type AppQuestion, type EventNamed } from './app-question.js';
import { sortParts } from './changed-since.js';
import type { UndoProposal } from './proposal.js';

/** Is no name: names have no space. */
const HEADER = 'the header';

/** Name by name, so that what somebody else changed since stays. Passwords come back as hashes. */
export const undoBasicAuth = (
  { data }: EventNamed<'BasicAuthChanged'>,
  question: AppQuestion,
): UndoProposal => {
  const before = question.before.basicAuth ?? OPEN_TO_ALL;
  const now = question.now.basicAuth ?? OPEN_TO_ALL;
  const names = [...new Set([...Object.keys(data.set), ...data.unset])];
  const parts: { name: string; was: unknown; made: unknown; is: unknown }[] = names.map((name) => ({
    name,
    was: own(before.users, name),
    made: own(data.set, name),
    is: own(now.users, name),
  }));
  if (data.passesHeader !== null) {
    const [was, is] = [before.passesHeader, now.passesHeader];
    parts.push({ name: HEADER, was, made: data.passesHeader, is });
  }
  const { back, leaves, overwrites } = sortParts(parts, question, touches);
  if (back.length === 0) return nothingLeft('names', leaves);
  const command = commandFor(
    back.map(({ name }) => name),
    before,
    now,
  );
  return possible(question, command, {
    lines: linesOf(command),
    restores: restoresOf(command),
    causes: [
      command.opens
        ? 'Everyone reaches the app again, without a password.'
        : 'It counts at once; nothing is started again for it.',
    ],
    leaves,
    overwrites,
  });
};

const commandFor = (back: readonly string[], before: BasicAuth, now: BasicAuth) => {
  const users = back.filter((name) => name !== HEADER);
  const set = Object.entries(before.users).filter(([user]) => users.includes(user));
  const unset = users.filter((user) => !Object.hasOwn(before.users, user));
  const left = Object.keys(now.users).filter((user) => !unset.includes(user));
  return {
    type: 'ChangeBasicAuth' as const,
    set: Object.fromEntries(set),
    unset,
    ...(back.includes(HEADER) && { passesHeader: before.passesHeader }),
    opens: unset.length > 0 && left.length + set.length === 0,
  };
};
type Command = ReturnType<typeof commandFor>;

const linesOf = ({ set, unset, passesHeader, opens }: Command): readonly string[] => [
  ...Object.keys(set).map((user) => `basic-auth set ${user}`),
  ...(unset.length === 0 ? [] : [`basic-auth unset ${unset.join(' ')}${opens ? ' --open' : ''}`]),
  ...(passesHeader === undefined ? [] : [`basic-auth header ${passesHeader ? 'pass' : 'strip'}`]),
];

const restoresOf = ({ set, unset, passesHeader }: Command): readonly string[] => [
  ...Object.keys(set).map((user) => `${user} has the password again that it had before.`),
  ...unset.map((user) => `${user} may not send requests any more.`),
  ...(passesHeader === undefined
    ? []
    : [`The app ${passesHeader ? 'sees' : 'does not see'} the header again.`]),
];

const touches = (name: string, event: DomainEventUnion): boolean => {
  if (event.type !== 'BasicAuthChanged') return false;
  const { set, unset, passesHeader } = event.data;
  return name === HEADER ? passesHeader !== null : Object.hasOwn(set, name) || unset.includes(name);
};
