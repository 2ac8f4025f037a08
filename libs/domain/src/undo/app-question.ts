import type { AppEvent } from '@shiplog/events';
import type { ActiveApp, AppState } from '../app/index.js';
import {
  unneeded,
  type ChangedSince,
  type Possible,
  type UndoCommand,
  type UndoProposal,
  type UndoQuestion,
} from './proposal.js';

export type EventNamed<T extends AppEvent['type']> = Extract<AppEvent, { type: T }>;
type AppCommandOfUndo = Extract<UndoCommand, { aggregate: 'app' }>['command'];

/** The question, once it is known that the app is there. */
export interface AppQuestion extends Omit<UndoQuestion<AppState>, 'before' | 'now'> {
  readonly before: ActiveApp;
  readonly now: ActiveApp;
}

interface Meaning extends Pick<Possible, 'restores' | 'causes'> {
  /** In the words of the CLI, without `shiplog` and the app. */
  readonly lines: readonly string[];
  readonly leaves?: readonly ChangedSince[];
  readonly overwrites?: readonly ChangedSince[];
  readonly settles?: boolean;
}

export const possible = (
  { now }: Pick<AppQuestion, 'now'>,
  command: AppCommandOfUndo,
  { lines, leaves = [], overwrites = [], settles = true, ...meaning }: Meaning,
): UndoProposal => ({
  outcome: 'possible',
  command: { aggregate: 'app', id: now.appId, command },
  commandLines: lines.map((line) => `shiplog ${ofApp(line, now.name)}`),
  ...meaning,
  leaves,
  overwrites,
  settles,
});

/** What stands behind `--` is somebody else's command line. */
const ofApp = (line: string, name: string): string => {
  const [own = '', ...rest] = line.split(' -- ');
  return [`${own} -a ${name}`, ...rest].join(' -- ');
};

export const nothingLeft = (what: string, leaves: readonly ChangedSince[]): UndoProposal =>
  leaves.length === 0
    ? unneeded('All of it is as it was before.')
    : { outcome: 'overtaken', why: `All its ${what} were changed again since.`, leaves };

export const newRelease = ({ releases, lastVersion }: ActiveApp): readonly string[] =>
  releases.length === 0
    ? ['The first release will have it.']
    : [`Release v${lastVersion + 1} is made and rolled out, without a gap.`];

/** `constructor` is found in every object; keys come from users. */
export const own = <V>(record: Readonly<Record<string, V>>, key: string): V | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;
