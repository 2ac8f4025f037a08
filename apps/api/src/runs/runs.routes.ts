import { z } from 'zod';
import { appParam, changed, id, idParam, pageLimit, time, version } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'runs';
const runParams = { ...appParam, run: idParam.describe('Id of the run.') };

export const run = z
  .object({
    id,
    kind: z
      .enum(['release', 'cron', 'command'])
      .describe(
        'release: before a release went live; cron: of a cron job; command: somebody typed it.',
      ),
    state: z
      .enum([
        'scheduled',
        'running',
        'stopping',
        'succeeded',
        'failed',
        'stopped',
        'skipped',
        'refused',
        'lost',
      ])
      .describe(
        'stopped: it was told to end; skipped: it was due and not started; refused: the engine would not start it; lost: its container is gone.',
      ),
    release: version,
    command: z
      .array(z.string())
      .nullable()
      .describe('Null where somebody typed it: there may be secrets in it, and it is not kept.'),
    job: z.string().nullable(),
    deployId: id.nullable().describe('The deploy that waits for it.'),
    scheduledFor: time
      .nullable()
      .describe('When the job was due; null where somebody asked for it.'),
    missed: z.number().int().describe('Due times before this one that passed without a run.'),
    detached: z.boolean(),
    createdAt: time,
    startedAt: time.nullable(),
    stoppingAt: time.nullable().describe('When it was told to end: SIGTERM, grace, SIGKILL.'),
    endedAt: time.nullable(),
    exitCode: z.number().int().nullable(),
    oomKilled: z.boolean(),
    cause: z.string().nullable().describe('Why it was stopped, skipped or refused.'),
    detail: z.string().nullable(),
    lastLines: z
      .array(z.string())
      .describe('What it wrote last; config values are blotted out. Kept with the log of events.'),
  })
  .meta({ id: 'Run' });

export const listRuns = defineRoute({
  id: 'listRuns',
  method: 'GET',
  path: '/v1/apps/{app}/runs',
  summary: 'List one-off commands, newest first: release commands, cron jobs, and what was typed',
  tag,
  params: appParam,
  query: {
    limit: pageLimit,
    job: z.string().max(64).optional().describe('Only those of this cron job.'),
  },
  shows: true,
  answer: {
    status: 200,
    description: 'Newest first; the newest 50 of each cron job and of each other kind are kept.',
    schema: z.array(run),
  },
});

export const showRun = defineRoute({
  id: 'showRun',
  method: 'GET',
  path: '/v1/apps/{app}/runs/{run}',
  summary: 'Show one run: how it ended, and what it wrote last',
  tag,
  params: runParams,
  shows: true,
  answer: { status: 200, description: 'The run.', schema: run },
  refuses: ['run-not-found'],
});

export const stopRun = defineRoute({
  id: 'stopRun',
  method: 'POST',
  path: '/v1/apps/{app}/runs/{run}/stop',
  summary: 'End a run: SIGTERM, then SIGKILL after the grace period of the app',
  tag,
  params: runParams,
  body: z.strictObject({}),
  answer: {
    status: 202,
    description: 'It is being ended.',
    schema: changed.extend({ run: id }).meta({ id: 'StoppedRun' }),
  },
  refuses: ['run-not-open'],
});
