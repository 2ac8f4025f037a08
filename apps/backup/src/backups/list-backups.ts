import type { KnownBackup } from '@shiplog/domain';
import { findBackup, readBackupSet } from '../content/backup-set.js';
import type { OpenTarget } from '../target/open-target.js';
import { UNREADABLE, entryOf } from './facts.js';

/** What lies at a place, the newest first, with what is known about it. */
export const listBackups = async (
  openTarget: OpenTarget,
  place: string,
  known: (backupId: string) => KnownBackup | undefined,
) => {
  const target = await openTarget(place);
  try {
    const { backups, damaged } = await readBackupSet(target);
    const listed = backups.map(({ manifest }) => entryOf(manifest, known(manifest.backupId)));
    const broken = damaged.map(({ backupId, problem }) => ({
      ...UNREADABLE,
      id: backupId,
      problem,
    }));
    return [...listed, ...broken].toSorted((a, b) => (a.id < b.id ? 1 : -1));
  } finally {
    await target.close();
  }
};

/** The id of the newest backup that lies at a place. */
export const newestAt = async (openTarget: OpenTarget, place: string): Promise<string> => {
  const target = await openTarget(place);
  try {
    const { manifest } = await findBackup(target, undefined);
    return manifest.backupId;
  } finally {
    await target.close();
  }
};
