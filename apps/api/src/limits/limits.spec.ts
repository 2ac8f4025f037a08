import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

const MB = 1024 * 1024;

describe('limits of process types', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
    await api.deployed('shop', 1);
  });
  afterAll(() => api.stop());

  const resize = (body: object) => api.call('patch', '/v1/apps/shop/limits').send(body);

  it('are those of the app until one has its own, and again when it has none', async () => {
    const set = { memoryBytes: 256 * MB, memoryReservationBytes: 128 * MB };
    const changed = await resize({ process: 'web', set }).expect(200);
    expect(changed.body.limits).toMatchObject({ ...set, cpus: 1 });
    const { body } = await api.call('get', '/v1/apps/shop/limits').expect(200);
    expect(body).toMatchObject([
      { process: 'web', ...set, own: ['memoryBytes', 'memoryReservationBytes'], refused: [] },
    ]);
    const unset = ['memoryBytes', 'memoryReservationBytes'];
    const back = await resize({ process: 'web', unset }).expect(200);
    expect(back.body.limits.memoryBytes).toBe(512 * MB);
  });

  it('are no reason for a rollout', async () => {
    await resize({ process: 'web', set: { pids: 77 } }).expect(200);
    await api
      .call('patch', '/v1/apps/shop/settings')
      .send({ memoryBytes: 256 * MB })
      .expect(200);
    expect((await api.call('get', '/v1/apps/shop')).body.state).toBe('live');
    await api.call('patch', '/v1/apps/shop/settings').send({ readOnlyRoot: true }).expect(200);
    expect((await api.call('get', '/v1/apps/shop')).body.state).toBe('deploying');
  });

  it.each([
    [{ process: 'cron', set: { cpus: 1 } }, 'process-type-unknown'],
    [{ process: 'web', set: { cpuReservation: 4 } }, 'reservation-above-limit'],
    [{ process: 'web', set: { memoryBytes: 1 } }, 'invalid-body'],
    [{ process: 'web', set: { shmBytes: 1 * MB } }, 'invalid-body'],
    [{ process: 'web' }, 'invalid-body'],
  ])('%j is refused: %s', async (body, code) => {
    const { body: problem } = await resize(body).expect(422);
    expect(problem).toMatchObject({ code, detail: expect.any(String) });
  });

  it.each([
    { tmpfs: [{ path: '/a/../b', sizeBytes: MB }] },
    { tmpfs: [{ path: '/proc/x', sizeBytes: MB }] },
    { tmpfs: [{ path: '/', sizeBytes: MB }] },
    {
      tmpfs: [
        { path: '/a', sizeBytes: MB },
        { path: '/a', sizeBytes: MB },
      ],
    },
    { ulimits: { nofile: { soft: 2, hard: 1 } } },
    { ulimits: { files: { soft: 1, hard: 1 } } },
    { runtime: 'a b' },
    { ioWeight: 5 },
    { ioReadBps: 0 },
  ])('the setting %j is refused', async (body) => {
    const { body: problem } = await api
      .call('patch', '/v1/apps/shop/settings')
      .send(body)
      .expect(422);
    expect(problem.code).toBe('invalid-body');
  });
});
