import type { BackupState } from '@shiplog/domain';
import { RefusedError } from './facts.js';

export interface AskedBackup {
  readonly backupId?: string | undefined;
  readonly target?: string | undefined;
}

/** The backup that somebody means: that one, the newest at that place, or the newest of all. */
export const wantedBackup = async (
  { backups, policy }: Pick<BackupState, 'backups' | 'policy'>,
  { backupId, target }: AskedBackup,
  newestAt: (place: string) => Promise<string>,
): Promise<{ readonly backupId: string; readonly target: string }> => {
  const known = backups.findLast((one) =>
    backupId === undefined
      ? one.outcome === 'succeeded' && (target ?? one.target) === one.target
      : one.backupId === backupId,
  );
  const place = target ?? known?.target ?? policy.target;
  if (place === null || (backupId === undefined && known === undefined && target === undefined)) {
    throw new RefusedError(
      'backup-not-found',
      'there is no backup to verify; `shiplog backup list` shows the ones there are',
    );
  }
  // Of a place that the log knows nothing about: what lies there.
  return { backupId: backupId ?? known?.backupId ?? (await newestAt(place)), target: place };
};
