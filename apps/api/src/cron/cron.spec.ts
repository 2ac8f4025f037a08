import { changesAfter } from '@shiplog/events/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
let appId: string;
beforeAll(async () => {
  api = await startTestApi();
  appId = await api.deployed('shop');
});
afterAll(() => api.stop());

const set = (job: string, body: object) => api.call('put', `/v1/apps/shop/cron/${job}`).send(body);
const jobs = async (): Promise<Record<string, unknown>[]> =>
  (await api.call('get', '/v1/apps/shop/cron').expect(200)).body as Record<string, unknown>[];

describe('a cron job', () => {
  it('is set with defaults that do no harm, listed, changed and removed', async () => {
    const answer = await set('clean', { schedule: '30 3 * * *', command: ['node', 'clean.js'] });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      job: 'clean',
      nextAt: expect.stringContaining('T03:30:00'),
    });
    expect(await jobs()).toMatchObject([
      {
        ...{ job: 'clean', schedule: '30 3 * * *', timeZone: 'UTC', command: ['node', 'clean.js'] },
        ...{ overlap: 'forbid', missed: 'skip', timeoutSeconds: null, lastRun: null },
      },
    ]);
    await set('clean', { schedule: '@daily', command: ['x'], overlap: 'allow' }).expect(200);
    expect(await jobs()).toMatchObject([{ schedule: '@daily', overlap: 'allow' }]);
    await api.call('delete', '/v1/apps/shop/cron/clean').expect(200);
    expect(await jobs()).toEqual([]);
    const again = await api.call('delete', '/v1/apps/shop/cron/clean').expect(404);
    expect(again.body.code).toBe('cron-job-not-found');
  });

  it.each([
    ['clean', { schedule: '99 3 * * *' }, 'body.schedule', 'minute: 99'],
    ['clean', { schedule: '0 0 30 2 *' }, 'body.schedule', 'never comes'],
    ['clean', { schedule: '@daily', timeZone: 'Mars/Olympus' }, 'body.timeZone', 'Europe/Berlin'],
    ['clean', { schedule: '@daily', overlap: 'maybe' }, 'body.overlap', ''],
    ['UPPER', { schedule: '@daily' }, 'path.job', 'lower-case'],
  ])('%s %o is refused at %s', async (job, body, path, hint) => {
    const head = await api.platform.api.log.head();
    const { status, body: problem } = await set(job, { command: ['x'], ...body });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(problem.errors[0].path).toBe(path);
    expect(problem.detail).toContain(hint);
    expect(await changesAfter(api.platform.api.log, head)).toEqual([]);
  });
});

describe('runs', () => {
  it('are listed newest first, each with how it ended, and shown with their last lines', async () => {
    const of = { appId, version: 1, nodeId: 'n1', rolloutId: null, missed: 0 };
    const record = (runId: string, command: object) =>
      api.platform.given('run' as never, runId, command as never);
    const schedule = (runId: string, hour: number) =>
      record(runId, {
        ...of,
        ...{ type: 'ScheduleRun', runId, kind: 'cron', command: ['clean'], job: 'clean' },
        ...{ scheduledFor: `2026-01-01T0${hour}:00:00.000Z`, timeoutSeconds: null, detached: true },
      });
    await schedule('clean-1', 1);
    const startedAt = '2026-01-01T01:00:01.000Z';
    await record('clean-1', { type: 'RecordRunStarted', containerId: 'abcdef012345', startedAt });
    await record('clean-1', {
      ...{
        type: 'EndRun',
        outcome: 'failed',
        exitCode: 3,
        oomKilled: false,
        cause: null,
        detail: null,
      },
      ...{ endedAt: '2026-01-01T01:00:05.000Z', logLines: ['no space left'] },
    });
    await schedule('clean-2', 2);
    const { body } = await api.call('get', '/v1/apps/shop/runs?job=clean').expect(200);
    expect(body).toMatchObject([
      { id: 'clean-2', state: 'scheduled', exitCode: null },
      { id: 'clean-1', state: 'failed', exitCode: 3, startedAt, release: 1 },
    ]);
    const shown = await api.call('get', '/v1/apps/shop/runs/clean-1').expect(200);
    expect(shown.body.lastLines).toEqual(['no space left']);
    expect((await api.call('get', '/v1/apps/shop/runs?job=other').expect(200)).body).toEqual([]);
    const unknown = await api.call('get', '/v1/apps/shop/runs/nope').expect(404);
    expect(unknown.body.code).toBe('run-not-found');
  });
});
