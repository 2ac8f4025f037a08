import { BackupError } from '../backup-error.js';
import { readBackupSet } from '../content/backup-set.js';
import type { OpenTarget } from '../target/open-target.js';

/** The manifest of a backup, if it lies at the target; a target that cannot be read has none. */
export const manifestThere = async (openTarget: OpenTarget, backupId: string, address: string) => {
  try {
    const target = await openTarget(address);
    try {
      const { backups } = await readBackupSet(target);
      return backups.find(({ manifest }) => manifest.backupId === backupId);
    } finally {
      await target.close();
    }
  } catch (error) {
    if (error instanceof BackupError) return undefined;
    throw error;
  }
};
