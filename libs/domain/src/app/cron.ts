import type { AppEvent, CronJob } from '@shiplog/events';
import { accept, reject, type Decision } from '../decider.js';
import type { AppRejection } from './commands.js';
import type { ActiveApp } from './state.js';

export const CRON_JOB_COUNT_MAX = 50;

/** A job as it was set, and since when. */
export interface KnownCronJob extends CronJob {
  readonly since: string;
}

type CronDecision = Decision<AppEvent, AppRejection>;

export const setCronJob = (
  { job, since, ...definition }: { job: string } & KnownCronJob,
  { appId, cronJobs }: ActiveApp,
): CronDecision => {
  const known = Object.hasOwn(cronJobs, job) ? cronJobs[job] : undefined;
  if (known !== undefined && isSame(known, definition)) return accept();
  if (known === undefined && Object.keys(cronJobs).length >= CRON_JOB_COUNT_MAX) {
    return reject({ code: 'too-many-cron-jobs', limit: CRON_JOB_COUNT_MAX });
  }
  const { command, ...rest } = definition;
  return accept({
    type: 'CronJobSet',
    v: 1,
    data: { appId, job, ...rest, command: [...command], since },
  });
};

export const removeCronJob = (job: string, { appId, cronJobs }: ActiveApp): CronDecision =>
  Object.hasOwn(cronJobs, job)
    ? accept({ type: 'CronJobRemoved', v: 1, data: { appId, job } })
    : reject({ code: 'cron-job-not-found', job, known: Object.keys(cronJobs) });

const isSame = (a: CronJob, b: CronJob): boolean =>
  a.schedule === b.schedule &&
  a.timeZone === b.timeZone &&
  a.overlap === b.overlap &&
  a.missed === b.missed &&
  a.timeoutSeconds === b.timeoutSeconds &&
  JSON.stringify(a.command) === JSON.stringify(b.command);

/** By name. */
export const withCronJob = (
  jobs: ActiveApp['cronJobs'],
  { appId: _appId, job, ...known }: Extract<AppEvent, { type: 'CronJobSet' }>['data'],
): ActiveApp['cronJobs'] =>
  Object.fromEntries(
    Object.entries({ ...jobs, [job]: known }).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );

export const withoutCronJob = (jobs: ActiveApp['cronJobs'], job: string): ActiveApp['cronJobs'] =>
  Object.fromEntries(Object.entries(jobs).filter(([name]) => name !== job));
