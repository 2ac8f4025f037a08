import { describe, it } from 'vitest';
import type { AppEvent, CronJob } from '@shiplog/events';
import { APP, created } from '../testing/facts.js';
import { given } from '../testing/given.js';
import { CRON_JOB_COUNT_MAX } from './cron.js';
import { app } from './index.js';

const definition = (more: Partial<CronJob> = {}): CronJob => ({
  schedule: '0 3 * * *',
  timeZone: 'UTC',
  command: ['clean'],
  overlap: 'forbid',
  missed: 'skip',
  timeoutSeconds: null,
  ...more,
});
const since = '2026-01-01T00:00:00.000Z';
const later = '2026-01-02T00:00:00.000Z';
const set = (job: string, more: Partial<CronJob> = {}, at = since): AppEvent => ({
  type: 'CronJobSet',
  v: 1,
  data: { appId: APP, job, ...definition(more), since: at },
});

describe('a cron job', () => {
  it('is set, and set anew only when something about it changes', () => {
    const command = { type: 'SetCronJob', job: 'clean', ...definition(), since: later } as const;
    given(app)(created)
      .when(command)
      .then(set('clean', {}, later));
    given(app)(created, set('clean')).when(command).thenNothing();
    given(app)(created, set('clean'))
      .when({ ...command, timeZone: 'Europe/Berlin' })
      .then(set('clean', { timeZone: 'Europe/Berlin' }, later));
  });

  it('that is not there cannot be removed', () => {
    given(app)(created, set('clean'))
      .when({ type: 'RemoveCronJob', job: 'constructor' })
      .thenRejected({ code: 'cron-job-not-found', job: 'constructor', known: ['clean'] });
    given(app)(created, set('clean'))
      .when({ type: 'RemoveCronJob', job: 'clean' })
      .then({ type: 'CronJobRemoved', v: 1, data: { appId: APP, job: 'clean' } });
  });

  it('is one of a bounded number', () => {
    const many = Array.from({ length: CRON_JOB_COUNT_MAX }, (_, n) => set(`job-${n}`));
    given(app)(created, ...many)
      .when({ type: 'SetCronJob', job: 'more', ...definition(), since })
      .thenRejected({ code: 'too-many-cron-jobs', limit: CRON_JOB_COUNT_MAX });
  });
});
