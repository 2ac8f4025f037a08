import type { World } from '@shiplog/domain';
import type { StoredCommit } from '@shiplog/events/log';
import { belongsTo, type Caller } from '../auth/caller.js';
import type { Outcome, SealedEntry } from './audit-entry.js';

export interface AuditFilter {
  readonly caller: Caller;
  /** Name or id. */
  readonly actor: string | undefined;
  readonly appId: string | undefined;
  /** Event types, or names of refused commands. */
  readonly types: ReadonlySet<string> | undefined;
  readonly outcomes: ReadonlySet<Outcome> | undefined;
  readonly correlation: string | undefined;
  /** Also what processes did on their own account. */
  readonly includesProcesses: boolean;
}

/** Administrators see all; others what is of their teams' apps, and what they did themselves. */
const maySee = ({ actor, appId }: SealedEntry, caller: Caller, world: World): boolean => {
  if (caller.administrator || actor?.id === caller.userId) return true;
  if (appId === null) return false;
  const { state: app } = world.get('app', appId);
  return app.status !== 'none' && belongsTo(caller, app.teamId);
};

/** Addresses are of their person and of administrators; not of everybody in a team. */
export const maySeeOrigin = ({ actor }: SealedEntry, caller: Caller): boolean =>
  caller.administrator || (actor?.kind === 'user' && actor.id === caller.userId);

type Test = (entry: SealedEntry, filter: AuditFilter) => boolean;

/** One for each way to choose: true where the entry is wanted, or nothing was asked of that. */
const TESTS: readonly Test[] = [
  ({ actor }, { includesProcesses }) => includesProcesses || actor?.kind !== 'process',
  ({ actor }, { actor: wanted }) =>
    wanted === undefined || actor?.id === wanted || actor?.name === wanted,
  ({ appId }, { appId: wanted }) => wanted === undefined || appId === wanted,
  ({ actions }, { types }) => types === undefined || actions.some((action) => types.has(action)),
  ({ outcome }, { outcomes }) => outcomes === undefined || outcomes.has(outcome),
  ({ correlation }, { correlation: wanted }) => wanted === undefined || correlation === wanted,
];

export const isWanted = (entry: SealedEntry, filter: AuditFilter, world: World): boolean =>
  TESTS.every((test) => test(entry, filter)) && maySee(entry, filter.caller, world);

/**
 * Can this commit have a wanted entry? Told from its bytes, without reading them as JSON: most commits
 * of a long log are passed over here. Says yes where it cannot know.
 */
export const mayBeWanted = (filter: AuditFilter): ((stored: StoredCommit) => boolean) => {
  const { actor, appId, types, outcomes, correlation, includesProcesses } = filter;
  const all = [actor, appId, correlation].flatMap((text) =>
    text === undefined ? [] : [quoted(text)],
  );
  const some = types === undefined ? undefined : [...types].map(quoted);
  const wantsChanges = outcomes === undefined || outcomes.has('done');
  return ({ stream, bytes }) => {
    const isSeen = stream.startsWith('audit.');
    if (!isSeen && !wantsChanges) return false;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!includesProcesses && !isSeen && !text.includes(BY_USER)) return false;
    if (!all.every((needle) => text.includes(needle))) return false;
    return some === undefined || some.some((needle) => text.includes(needle));
  };
};

const quoted = (text: string): Buffer => Buffer.from(JSON.stringify(text));
const BY_USER = Buffer.from('"kind":"user"');
