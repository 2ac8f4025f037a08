import type { AppEvent, CronJob } from '@shiplog/events';

/** A job as it was set, and since when. */
export interface KnownCronJob extends CronJob {
  readonly since: string;
}

/** By name. */
export type CronJobs = Readonly<Record<string, KnownCronJob>>;

export const withCronJob = (
  jobs: CronJobs,
  { appId: _appId, job, ...known }: Extract<AppEvent, { type: 'CronJobSet' }>['data'],
): CronJobs =>
  Object.fromEntries(
    Object.entries({ ...jobs, [job]: known }).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );

export const withoutCronJob = (jobs: CronJobs, job: string): CronJobs =>
  Object.fromEntries(Object.entries(jobs).filter(([name]) => name !== job));
