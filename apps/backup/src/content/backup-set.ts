import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { BackupError } from '../backup-error.js';
import type { BackupTarget } from '../target/backup-target.port.js';
import { decodeManifest, manifestName, type Manifest, type ReadManifest } from './manifest.js';

/** A file that says what the rest is: a target that had one and has it no more is not that target. */
export const MARKER = 'shiplog-backup.json';

export const readManifest = async (
  target: BackupTarget,
  backupId: string,
): Promise<ReadManifest> => {
  const name = manifestName(backupId);
  const read = decodeManifest(await text(await target.read(name)), name);
  if (read.manifest.backupId !== backupId) {
    throw new BackupError('backup-damaged', `${name} is the manifest of another backup`);
  }
  return read;
};

export interface DamagedManifest {
  readonly backupId: string;
  readonly problem: string;
}

export interface BackupSet {
  /** Oldest first. */
  readonly backups: readonly ReadManifest[];
  readonly damaged: readonly DamagedManifest[];
}

/** All backups at the target. One that cannot be read is named, and is in nobody's way. */
export const readBackupSet = async (target: BackupTarget): Promise<BackupSet> => {
  const backups: ReadManifest[] = [];
  const damaged: DamagedManifest[] = [];
  for (const { name } of await target.list('backups/')) {
    const backupId = /^backups\/([A-Za-z0-9-]+)\.json$/.exec(name)?.[1];
    if (backupId === undefined) continue;
    try {
      backups.push(await readManifest(target, backupId));
    } catch (error) {
      const isDamage =
        error instanceof BackupError &&
        (error.code === 'backup-damaged' || error.code === 'backup-format-unknown');
      if (!isDamage) throw error;
      damaged.push({ backupId, problem: error.message });
    }
  }
  return { backups: backups.toSorted(byId), damaged };
};

const byId = (a: { manifest: Manifest }, b: { manifest: Manifest }): number =>
  a.manifest.backupId < b.manifest.backupId ? -1 : 1;

/** The one of that id, or the newest. */
export const findBackup = async (
  target: BackupTarget,
  backupId: string | undefined,
): Promise<ReadManifest> => {
  const { backups, damaged } = await readBackupSet(target);
  const broken = damaged.find((one) => one.backupId === backupId);
  if (broken !== undefined) throw new BackupError('backup-damaged', broken.problem);
  const found =
    backupId === undefined
      ? backups.at(-1)
      : backups.find(({ manifest }) => manifest.backupId === backupId);
  if (found !== undefined) return found;
  const there = backups.map(({ manifest }) => manifest.backupId).slice(-5);
  throw new BackupError(
    'backup-not-found',
    backupId === undefined
      ? `there is no backup at ${target.address}`
      : `there is no backup ${backupId} at ${target.address}; the newest there: ${there.join(', ') || 'none'}`,
  );
};

/** Puts a small text through a file of this machine, one of its own: a lock is renewed at any moment. */
export const putText = async (
  target: BackupTarget,
  staging: string,
  name: string,
  content: string,
): Promise<void> => {
  const file = join(staging, `text-${randomBytes(8).toString('hex')}`);
  try {
    await writeFile(file, content, { mode: 0o600 });
    await target.put(name, file);
  } finally {
    await rm(file, { force: true });
  }
};
