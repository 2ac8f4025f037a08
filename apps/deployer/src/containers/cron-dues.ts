import { createHash } from 'node:crypto';
import type { KnownCronJob, KnownRun } from '@shiplog/domain';
import { CronSchedule, ScheduleError } from '@shiplog/schedule';
import type { CronDue, CronDues, DesiredApp } from './desired.js';

/** When a job is due next, as long as nothing about it changes. */
interface Known {
  readonly definition: KnownCronJob;
  readonly afterMs: number;
  readonly schedule: CronSchedule;
  readonly nextMs: number | null;
}

/** Which cron jobs are due, by the clock and by what the log says of their newest runs. */
export class CronClock {
  private readonly known = new Map<string, Known>();

  duesOf({ appId, cronJobs, runs }: DesiredApp, nowMs: number): CronDues {
    const due: CronDue[] = [];
    const next: number[] = [];
    for (const [job, definition] of Object.entries(cronJobs)) {
      const known = this.look(`${appId} ${job}`, definition, afterOf(job, definition, runs));
      if (known?.nextMs == null) continue;
      next.push(known.nextMs);
      if (known.nextMs > nowMs) continue;
      const last = known.schedule.lastDue(known.afterMs, nowMs);
      if (last !== null) {
        const { dueMs, earlier } = last;
        due.push({ job, definition, dueMs, earlier, runId: dueRunId(appId, job, dueMs) });
      }
    }
    // What is due now and is not taken up is looked at again with the next event, or the next look at all.
    return { due, nextAtMs: next.filter((ms) => ms > nowMs) };
  }

  /** What is remembered costs a look at the calendar each round otherwise. */
  private look(key: string, definition: KnownCronJob, afterMs: number): Known | undefined {
    const before = this.known.get(key);
    if (before?.definition === definition && before.afterMs === afterMs) return before;
    try {
      const schedule =
        before?.definition === definition
          ? before.schedule
          : new CronSchedule(definition.schedule, definition.timeZone);
      const known = { definition, afterMs, schedule, nextMs: schedule.nextAfter(afterMs) };
      this.known.set(key, known);
      return known;
    } catch (error) {
      // It was one when it was set: by another version, or with other time zones.
      if (!(error instanceof ScheduleError)) throw error;
      return undefined;
    }
  }
}

const afterOf = (job: string, { since }: KnownCronJob, runs: readonly KnownRun[]): number =>
  runs.reduce(
    (after, run) =>
      run.job === job && run.scheduledFor !== null
        ? Math.max(after, Date.parse(run.scheduledFor))
        : after,
    Date.parse(since),
  );

/** The same due time has the same id, whoever finds it due: it is run once. */
const dueRunId = (appId: string, job: string, dueMs: number): string => {
  const hash = createHash('sha256').update(`${appId} ${job} ${dueMs}`).digest('hex');
  return `${job}-${hash.slice(0, 20)}`;
};
