import { agoOf, bad, ok, type Verdict } from './verdict.js';

/** What the log says about backups; times are ISO 8601, null for what never happened. */
export interface BackupFacts {
  readonly lastSucceeded: string | null;
  readonly lastFailed: { readonly at: string; readonly problem: string } | null;
  /** When a backup was last restored somewhere and verified. */
  readonly lastVerified: string | null;
}

/** Until this platform makes backups itself, nothing in its log says anything about them. */
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
      'do away with its cause and make one now',
    );
  }
  if (lastSucceeded === null) {
    return bad(
      'warning',
      'no backup yet',
      'stop the platform and copy its data directory, the master key apart from it (docs/operations.md)',
    );
  }
  const made = `made ${agoOf(lastSucceeded, nowMs)}`;
  if (nowMs - Date.parse(lastSucceeded) > OLD_MS) {
    return bad('warning', `the newest backup was ${made}`, 'make one now, and see its schedule');
  }
  if (lastVerified === null || nowMs - Date.parse(lastVerified) > UNVERIFIED_MS) {
    const when = lastVerified === null ? 'never' : agoOf(lastVerified, nowMs);
    return bad('warning', `${made}; verified ${when}`, 'verify one: a backup is what was restored');
  }
  return ok(`${made}; verified ${agoOf(lastVerified, nowMs)}`);
};
