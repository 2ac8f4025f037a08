import type { BackupEvent, DomainEventUnion, GarbageEvent } from '@shiplog/events';
import type { BackupState } from '../backup/index.js';
import type { GarbageState } from '../facts/garbage.js';
import { changedSince, isChangedSince } from './changed-since.js';
import { unneeded, type UndoCommand, type UndoProposal, type UndoQuestion } from './proposal.js';
import { shellWord } from './words.js';

type GarbagePolicyChanged = Extract<GarbageEvent, { type: 'GarbagePolicyChanged' }>;
type BackupPolicyChanged = Extract<BackupEvent, { type: 'BackupPolicyChanged' }>;

export const undoGarbagePolicy = (
  { type, data: { nodeId, ...made } }: GarbagePolicyChanged,
  question: UndoQuestion<GarbageState>,
): UndoProposal => {
  const [was, is] = [question.before, question.now].map((state) => ({
    exitedKept: state.exitedKept,
    minimumAgeSeconds: state.minimumAgeSeconds,
  })) as [GarbagePolicy, GarbagePolicy];
  const { exitedKept, minimumAgeSeconds } = was;
  return undoPolicy(question, { type, was, made, is }, () => ({
    command: {
      aggregate: 'garbage',
      id: nodeId,
      command: { type: 'ChangePolicy', nodeId, ...was },
    },
    commandLines: [
      `shiplog gc policy --exited-kept ${exitedKept} --minimum-age ${minimumAgeSeconds}s`,
    ],
    restores: [
      `${exitedKept} exited containers are kept per app and process, each for ${minimumAgeSeconds} s at least.`,
    ],
    causes: ['What was collected meanwhile does not come back.'],
  }));
};
type GarbagePolicy = Pick<GarbageState, 'exitedKept' | 'minimumAgeSeconds'>;

export const undoBackupPolicy = (
  { type, data: { nodeId, ...made } }: BackupPolicyChanged,
  question: UndoQuestion<BackupState>,
): UndoProposal => {
  const [was, is] = [question.before.policy, question.now.policy];
  const place = was.target === null ? '' : ` --to ${shellWord(was.target)}`;
  return undoPolicy(question, { type, was, made, is }, () => ({
    command: {
      aggregate: 'backup',
      id: nodeId,
      command: { type: 'ChangeBackupPolicy', nodeId, ...was },
    },
    commandLines: [
      `shiplog backup schedule ${shellWord(was.schedule)}${place} --keep ${was.keep ?? 'all'}`,
    ],
    restores: [
      `Backups by themselves: ${was.schedule}, to ${was.target ?? 'nowhere'}, kept: ${was.keep ?? 'all'}.`,
    ],
    causes: ['Backups that were made or removed meanwhile stay so.'],
  }));
};

/** A policy is taken back as a whole. */
const undoPolicy = <P extends object>(
  question: UndoQuestion<unknown>,
  {
    type,
    was,
    made,
    is,
  }: { readonly type: string; readonly was: P; readonly made: P; readonly is: P },
  meaning: () => {
    readonly command: UndoCommand;
    readonly commandLines: readonly string[];
    readonly restores: readonly string[];
    readonly causes: readonly string[];
  },
): UndoProposal => {
  if (isSame(is, was)) return unneeded('The policy is as it was before.');
  const isTouched = (event: DomainEventUnion): boolean => event.type === type;
  const isAsMade = isSame(is, made) && !isChangedSince(question, isTouched);
  const since = isAsMade ? [] : [changedSince('policy', question, isTouched)];
  if (since.length > 0 && !question.force) {
    return { outcome: 'overtaken', why: 'The policy was changed again since.', leaves: since };
  }
  return { outcome: 'possible', ...meaning(), leaves: [], overwrites: since, settles: false };
};

const isSame = <P extends object>(a: P, b: P): boolean =>
  (Object.keys(a) as (keyof P)[]).every((field) => a[field] === b[field]);
