import { z } from 'zod';
import { cronJob } from '@shiplog/events';
import { appParam, changed, id, idParam, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';
import { run } from '../runs/runs.routes.js';

const tag = 'cron';
const jobParams = { ...appParam, job: idParam.describe('Name of the job.') };

const { schedule, timeZone, command, overlap, missed, timeoutSeconds } = cronJob.shape;
const definition = {
  schedule: schedule.describe(
    'Five fields: minute, hour, day of month, month, day of week ("30 3 * * *"); or @hourly, @daily, @weekly, @monthly, @yearly.',
  ),
  timeZone: timeZone.describe(
    'By whose clock: a name of the IANA database, such as Europe/Berlin.',
  ),
  command: command.describe('The command and its arguments. No shell: "sh", "-c", "…" is one.'),
  overlap: overlap.describe(
    'When it is due while the last run goes on: forbid leaves the new one out, replace ends the old one first, allow runs both.',
  ),
  missed: missed.describe(
    'When due times passed and nobody was there to start it: skip makes up for none, once for the newest.',
  ),
  timeoutSeconds: timeoutSeconds.describe(
    'A run that takes longer is ended; null: as long as it wants.',
  ),
};

export const cronJobAnswer = z
  .object({
    job: z.string(),
    ...definition,
    since: time.describe('What was due before is nobody’s.'),
    nextAt: time.nullable().describe('When it is due next, from now; null for never.'),
    lastRun: run.nullable(),
  })
  .meta({ id: 'CronJob' });

export const listCronJobs = defineRoute({
  id: 'listCronJobs',
  method: 'GET',
  path: '/v1/apps/{app}/cron',
  summary: 'List the cron jobs of an app, with their next and their last run',
  tag,
  params: appParam,
  shows: true,
  answer: { status: 200, description: 'By name.', schema: z.array(cronJobAnswer) },
});

export const setCronJob = defineRoute({
  id: 'setCronJob',
  method: 'PUT',
  path: '/v1/apps/{app}/cron/{job}',
  summary: 'Set a cron job: a command that is run at certain times with the release that serves',
  tag,
  params: jobParams,
  body: z.strictObject({
    schedule: definition.schedule,
    command: definition.command,
    timeZone: definition.timeZone.default('UTC'),
    overlap: definition.overlap.default('forbid'),
    missed: definition.missed.default('skip'),
    timeoutSeconds: definition.timeoutSeconds.default(null),
  }),
  answer: {
    status: 200,
    description: 'It is due from now on.',
    schema: changed.extend({ job: z.string(), nextAt: time.nullable() }).meta({ id: 'SetCronJob' }),
  },
  refuses: ['too-many-cron-jobs'],
});

export const removeCronJob = defineRoute({
  id: 'removeCronJob',
  method: 'DELETE',
  path: '/v1/apps/{app}/cron/{job}',
  summary: 'Remove a cron job; a run of it that is under way goes on',
  tag,
  params: jobParams,
  answer: { status: 200, description: 'It is due no more.', schema: changed },
  refuses: ['cron-job-not-found'],
});

export const runCronJob = defineRoute({
  id: 'runCronJob',
  method: 'POST',
  path: '/v1/apps/{app}/cron/{job}/run',
  summary: 'Run a cron job now, beside its schedule and whatever of it runs already',
  tag,
  params: jobParams,
  body: z.strictObject({}),
  answer: {
    status: 202,
    description: 'It is being started.',
    schema: changed.extend({ run: id }).meta({ id: 'StartedRun' }),
  },
  refuses: ['cron-job-not-found', 'nothing-deployed'],
});
