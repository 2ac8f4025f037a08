import { parseSchedule, startOfBackup, type BackupState } from '@shiplog/domain';
import type { Finding } from './platform.routes.js';

type Verdict = Omit<Finding, 'name'>;

const DAY_MS = 86_400_000;
/** A schedule may be late by so much before anybody is told. */
const GRACE_MS = 3_600_000;

/** How old the last backup is, whether it was ever read back, and what its last attempt met. */
export const backupVerdict = (
  { policy, backups, restored }: BackupState,
  nowMs: number,
): Verdict => {
  const last = backups.findLast(({ outcome }) => outcome === 'succeeded');
  const newest = backups.findLast(({ outcome }) => outcome !== 'running');
  const verified = backups.findLast(({ verification }) => verification === 'verified');
  const told = restored === null ? '' : `; restored from ${restored.backupId}`;
  if (newest?.outcome === 'failed') {
    return bad(
      'failed',
      `the last backup failed: ${newest.problem?.summary ?? 'no reason known'}`,
      'correct what it names, then `shiplog backup create`',
    );
  }
  if (last === undefined) {
    return bad(
      'warning',
      `there is no backup${told}`,
      '`shiplog backup schedule "daily 03:00" --to /mnt/backup`, on a disk of its own',
    );
  }
  const ageMs = nowMs - startOfBackup(last.backupId);
  const age = `last backup ${ageText(ageMs)} ago`;
  if (last.verification === 'failed') {
    return bad(
      'failed',
      `${age}, and it is damaged: ${last.verificationProblem ?? ''}`,
      '`shiplog backup create` to another place; look after the disk of this one',
    );
  }
  if (ageMs > allowedAgeMs(policy.schedule)) {
    return bad('warning', `${age}${told}`, '`shiplog backup create`, or set a schedule');
  }
  if (verified === undefined) {
    return bad('warning', `${age}; none was ever read back${told}`, '`shiplog backup verify`');
  }
  const summary = `${age}; ${verified.backupId} was read back whole at ${verified.verifiedAt ?? ''}${told}`;
  return { state: 'ok', summary, remedy: null };
};

const allowedAgeMs = (schedule: string): number => {
  const parsed = parseSchedule(schedule);
  switch (parsed?.kind) {
    case 'every':
      return parsed.hours * 3_600_000 + GRACE_MS;
    case 'daily':
      return DAY_MS + GRACE_MS;
    default:
      return 7 * DAY_MS + GRACE_MS;
  }
};

const ageText = (ms: number): string => {
  const hours = Math.floor(ms / 3_600_000);
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  return hours >= 1 ? `${hours} h` : `${Math.max(0, Math.floor(ms / 60_000))} min`;
};

const bad = (state: 'warning' | 'failed', summary: string, remedy: string): Verdict => ({
  state,
  summary,
  remedy,
});
