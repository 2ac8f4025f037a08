import { startOfBackup, type BackupState, type KnownBackup } from '@shiplog/domain';
import type { BackupFacts } from './backup.js';

/** What the log knows about backups, as the doctor asks it. A damaged backup is a failed one. */
export const backupFactsOf = ({ backups }: BackupState): BackupFacts => {
  const succeeded = backups.findLast((one) => one.outcome === 'succeeded' && !isBad(one));
  const bad = backups.findLast(isBad);
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
            problem: problemOf(bad),
          },
    lastVerified: verified.toSorted().at(-1) ?? null,
  };
};

/** One without what is in volumes that it should have is none to rely on. */
const isBad = ({ outcome, verification, volumesFailed }: KnownBackup): boolean =>
  outcome === 'failed' || verification === 'failed' || volumesFailed.length > 0;

const problemOf = ({ verificationProblem, problem, volumesFailed }: KnownBackup): string =>
  verificationProblem ??
  problem?.summary ??
  `it is without what is in volumes: ${volumesFailed.slice(0, 3).join('; ')}`;

const startOf = (backupId: string): string => new Date(startOfBackup(backupId)).toISOString();
