import type { DomainEventUnion, VolumeBackup } from '@shiplog/events';
import { BACKUP_AS_IT_IS, volumeNamed, type KnownVolume } from '../app/volumes.js';
import { possible, type AppQuestion, type EventNamed } from './app-question.js';
import { changedSince, isChangedSince } from './changed-since.js';
import { impossible, unneeded, type UndoProposal } from './proposal.js';
import { isSameValue } from '../app/resources.js';
import { bytesText, shellWord } from './words.js';

export const undoVolumeAdded = (
  { data: { name } }: EventNamed<'VolumeAdded'>,
  { now }: AppQuestion,
): UndoProposal =>
  volumeNamed(now.volumes, name) === undefined
    ? unneeded(`There is no volume ${name} any more.`)
    : impossible(
        'Taking a volume away deletes what is in it: no undo does that.',
        `shiplog volumes remove ${name} --confirm ${name} -a ${now.name}`,
      );

/** The size is taken back; who has it, and where, is not: instances may have it at this moment. */
export const undoVolumeChanged = (
  { data: { volumeId, name } }: EventNamed<'VolumeChanged'>,
  question: AppQuestion,
): UndoProposal => {
  const { before, now } = question;
  const was = volumeNamed(before.volumes, name);
  const is = volumeNamed(now.volumes, name);
  if (was === undefined || is?.volumeId !== volumeId) {
    return unneeded(`There is no such volume ${name} any more.`);
  }
  if (isSame(was, is)) return unneeded(`The volume ${name} is as it was before.`);
  const touches = (event: DomainEventUnion): boolean =>
    event.type === 'VolumeChanged' && event.data.volumeId === volumeId;
  const what = `volume ${name}`;
  const since = isChangedSince(question, touches) ? [changedSince(what, question, touches)] : [];
  if (since.length > 0 && !question.force) {
    return { outcome: 'overtaken', why: `The ${what} was changed again since.`, leaves: since };
  }
  if (!isSame({ ...was, sizeBytes: 0 }, { ...is, sizeBytes: 0 })) {
    return impossible('Who has a volume, and where, is changed by hand.', mountLine(was, now.name));
  }
  const { sizeBytes } = was;
  return possible(
    question,
    { type: 'ChangeVolume', name, changes: { sizeBytes }, baseVersion: null, inUseBy: [] },
    {
      lines: [`volumes resize ${name} ${bytesText(sizeBytes)}`],
      restores: [`The declared size of ${name} is ${bytesText(sizeBytes)} again.`],
      causes: [],
      overwrites: since,
      settles: false,
    },
  );
};

export const undoVolumeBackup = (
  { data: { volumeId, name } }: EventNamed<'VolumeBackupChanged'>,
  question: AppQuestion,
): UndoProposal => {
  const { before, now } = question;
  const was = volumeNamed(before.volumes, name)?.backup ?? BACKUP_AS_IT_IS;
  const is = volumeNamed(now.volumes, name);
  if (is?.volumeId !== volumeId) return unneeded(`There is no such volume ${name} any more.`);
  if (isSameValue(was, is.backup ?? BACKUP_AS_IT_IS)) {
    return unneeded(`The volume ${name} is backed up as it was before.`);
  }
  const touches = (event: DomainEventUnion): boolean =>
    event.type === 'VolumeBackupChanged' && event.data.volumeId === volumeId;
  const what = `backup of volume ${name}`;
  const since = isChangedSince(question, touches) ? [changedSince(what, question, touches)] : [];
  if (since.length > 0 && !question.force) {
    return { outcome: 'overtaken', why: `The ${what} was changed again since.`, leaves: since };
  }
  return possible(
    question,
    { type: 'ChangeVolumeBackup', name, changes: was },
    {
      lines: [`volumes backup ${name} ${backupWords(was)}`],
      restores: [`The volume ${name} is backed up as it was before.`],
      causes: [],
      overwrites: since,
      settles: false,
    },
  );
};

const backupWords = ({ excluded, hook }: VolumeBackup): string => {
  const taken = excluded ? '--exclude' : '--include';
  return hook === null
    ? `${taken} --no-hook`
    : `${taken} --timeout ${hook.timeoutSeconds}s -- ${hook.command.map(shellWord).join(' ')}`;
};

const mountLine = ({ name, path, processes, shared }: KnownVolume, app: string): string =>
  `shiplog volumes mount ${name} ${path} --process ${processes.join(',') || 'none'} ` +
  `--${shared ? 'shared' : 'exclusive'} -a ${app}`;

const isSame = (a: KnownVolume, b: KnownVolume): boolean =>
  a.path === b.path &&
  a.shared === b.shared &&
  a.sizeBytes === b.sizeBytes &&
  a.processes.join() === b.processes.join();
