import { startOfBackup, type BackupState } from '@shiplog/domain';
import type { BackupFacts } from './backup.js';

/** What the log knows about backups, as the doctor asks it. A damaged backup is a failed one. */
export const backupFactsOf = ({ backups }: BackupState): BackupFacts => {
  const succeeded = backups.findLast(
    ({ outcome, verification }) => outcome === 'succeeded' && verification !== 'failed',
  );
  const bad = backups.findLast(
    ({ outcome, verification }) => outcome === 'failed' || verification === 'failed',
  );
  const verified = backups.flatMap(({ verification, verifiedAt }) =>
    verification === 'verified' && verifiedAt !== null ? [verifiedAt] : [],
  );
  return {
    lastSucceeded: succeeded === undefined ? null : startOf(succeeded.backupId),
    lastFailed:
      bad === undefined
        ? null
        : {
            at: startOf(bad.backupId),
            problem: bad.verificationProblem ?? bad.problem?.summary ?? 'no reason known',
          },
    lastVerified: verified.toSorted().at(-1) ?? null,
  };
};

const startOf = (backupId: string): string => new Date(startOfBackup(backupId)).toISOString();
