import { agoOf, bad, ok, type Verdict } from './verdict.js';

/** What the log says about backups; times are ISO 8601, null for what never happened. */
export interface BackupFacts {
  readonly lastSucceeded: string | null;
  readonly lastFailed: { readonly at: string; readonly problem: string } | null;
  /** When a backup was last restored somewhere and verified. */
  readonly lastVerified: string | null;
}

/** Of a platform that made none. */
export const NO_BACKUPS: BackupFacts = {
  lastSucceeded: null,
  lastFailed: null,
  lastVerified: null,
};

const OLD_MS = 2 * 86_400_000;
const UNVERIFIED_MS = 30 * 86_400_000;

export const backupVerdict = (facts: BackupFacts, nowMs: number): Verdict => {
  const { lastSucceeded, lastFailed, lastVerified } = facts;
  const isFailing =
    lastFailed !== null && (lastSucceeded === null || lastFailed.at > lastSucceeded);
  if (isFailing) {
    const before =
      lastSucceeded === null
        ? 'none succeeded'
        : `the last good one ${agoOf(lastSucceeded, nowMs)}`;
    return bad(
      'failed',
      `the newest backup failed ${agoOf(lastFailed.at, nowMs)}: ${lastFailed.problem}; ${before}`,
      'do away with its cause, then `shiplog backup create`',
    );
  }
  if (lastSucceeded === null) {
    return bad(
      'warning',
      'no backup yet',
      '`shiplog backup schedule "daily 03:00" --to /mnt/backup`, on a disk of its own (docs/backup.md)',
    );
  }
  const made = `made ${agoOf(lastSucceeded, nowMs)}`;
  if (nowMs - Date.parse(lastSucceeded) > OLD_MS) {
    return bad(
      'warning',
      `the newest backup was ${made}`,
      '`shiplog backup create`, and see `shiplog backup schedule`',
    );
  }
  if (lastVerified === null || nowMs - Date.parse(lastVerified) > UNVERIFIED_MS) {
    const when = lastVerified === null ? 'never' : agoOf(lastVerified, nowMs);
    return bad('warning', `${made}; verified ${when}`, '`shiplog backup verify`');
  }
  return ok(`${made}; verified ${agoOf(lastVerified, nowMs)}`);
};
