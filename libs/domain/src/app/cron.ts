import type { AppEvent, CronJob } from '@shiplog/events';
import { accept, reject, type Decision } from '../decider.js';
import type { AppRejection } from './commands.js';
import type { KnownCronJob } from './cron-jobs.js';
import type { ActiveApp } from './state.js';

export const CRON_JOB_COUNT_MAX = 50;

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
