import { startOfBackup, type BackupState } from '@shiplog/domain';
import { Gauge, register } from 'prom-client';

/** What an alert needs: a backup that grew old, and one that failed. Returns the way to end it. */
export const exposeMetrics = (state: () => BackupState): (() => void) => {
  const gauges: readonly (readonly [string, string, () => number])[] = [
    [
      'shiplog_backup_last_success_timestamp_seconds',
      'When the newest backup that succeeded began; 0 where there is none.',
      () => secondsOf(state().backups.findLast(({ outcome }) => outcome === 'succeeded')?.backupId),
    ],
    [
      'shiplog_backup_last_failed',
      '1 when the newest backup failed, else 0.',
      () => Number(newestEnded(state())?.outcome === 'failed'),
    ],
    [
      'shiplog_backup_last_verified_timestamp_seconds',
      'When the newest verified backup was read back; 0 where none was.',
      () => {
        const verified = state().backups.map(({ verifiedAt }) => Date.parse(verifiedAt ?? '') || 0);
        return Math.max(0, ...verified) / 1000;
      },
    ],
  ];
  for (const [name, help, value] of gauges) {
    register.removeSingleMetric(name);
    new Gauge({
      name,
      help,
      collect() {
        this.set(value());
      },
    });
  }
  return () => {
    for (const [name] of gauges) register.removeSingleMetric(name);
  };
};

const newestEnded = ({ backups }: BackupState) =>
  backups.findLast(({ outcome }) => outcome !== 'running');

const secondsOf = (backupId: string | undefined): number =>
  backupId === undefined ? 0 : startOfBackup(backupId) / 1000;
