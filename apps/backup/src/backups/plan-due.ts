import { lastDue, nextDue, parseSchedule, startOfBackup, type BackupState } from '@shiplog/domain';

/** A backup that failed is tried again after so long, and not only at the next time of the schedule. */
export const RETRY_MS = 15 * 60_000;

export interface Due {
  /** The place to make a backup at now; undefined: none is due. */
  readonly target: string | undefined;
  /** Milliseconds until that may change by time alone; undefined: it does not. */
  readonly lookAgainInMs: number | undefined;
}

type Backed = Pick<BackupState, 'policy' | 'backups'>;

/** The first backup of a new schedule is due at once: a policy without a backup protects nobody. */
export const planDue = ({ policy, backups }: Backed, nowMs: number): Due => {
  const schedule = parseSchedule(policy.schedule);
  const due = schedule === undefined ? undefined : lastDue(schedule, nowMs);
  const next = schedule === undefined ? undefined : nextDue(schedule, nowMs);
  if (due === undefined || next === undefined || policy.target === null) {
    return { target: undefined, lookAgainInMs: undefined };
  }
  const wait = { target: undefined, lookAgainInMs: next - nowMs };
  const last = backups.findLast(({ target }) => target === policy.target);
  if (last === undefined) return { target: policy.target, lookAgainInMs: undefined };
  if (last.outcome === 'running') return wait;
  const startedAtMs = startOfBackup(last.backupId);
  const retryAtMs = startedAtMs + RETRY_MS;
  if (last.outcome === 'failed' && retryAtMs > nowMs) {
    return { target: undefined, lookAgainInMs: Math.min(retryAtMs, next) - nowMs };
  }
  // Ids tell seconds; a backup that began in the second of the schedule is the one of that time.
  const isDone = last.outcome === 'succeeded' && startedAtMs >= due;
  return isDone ? wait : { target: policy.target, lookAgainInMs: undefined };
};
