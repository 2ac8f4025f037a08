import { changesAfter } from '@shiplog/events/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { volumesVerdict } from '../platform/doctor/volumes.js';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
let appId: string;
beforeAll(async () => {
  api = await startTestApi();
  appId = await api.deployed('shop');
});
afterAll(() => api.stop());

const GIB = 1024 ** 3;
const volumes = async (app = 'shop'): Promise<Record<string, unknown>[]> =>
  (await api.call('get', `/v1/apps/${app}/volumes`).expect(200)).body as never;
const add = (body: object, app = 'shop') => api.call('post', `/v1/apps/${app}/volumes`).send(body);
const idOf = (name: string): string =>
  api.platform.api.world.app(appId)?.volumes[name]?.volumeId ?? '';
const record = (command: { readonly type: string; readonly volumeId: string }) =>
  api.platform.given('volume', command.volumeId, { appId, ...command } as never);
const make = (volumeId: string, name: string) =>
  record({
    ...{ type: 'RecordVolumeCreated', volumeId, name, incarnation: 1, nodeId: 'n1' },
    ...{ engineName: `p-${volumeId}` },
  });
const finding = () => volumesVerdict(api.platform.api.world, api.platform.api.world.apps());

describe('a volume', () => {
  it('is added for web alone, listed as of now and then, and changed', async () => {
    const { body } = await add({ name: 'data', path: '/data', sizeBytes: GIB }).expect(201);
    expect(body.volume).toMatchObject({
      ...{ name: 'data', path: '/data', processes: ['web'], shared: false, sizeBytes: GIB },
      ...{ state: 'declared', aboveSize: false, usedBytes: null, measuredAt: null },
    });
    expect(await volumes()).toEqual([body.volume]);
    await api
      .call('patch', '/v1/apps/shop/volumes/data')
      .send({ sizeBytes: 2 * GIB })
      .expect(200);
    expect(await volumes()).toMatchObject([{ sizeBytes: 2 * GIB }]);
    const then = await api.call('get', `/v1/apps/shop/volumes?at=${body.sequence}`).expect(200);
    expect(then.body).toMatchObject([{ sizeBytes: GIB }]);
  });

  it('is backed up as was said, and by default as it is', async () => {
    expect(await volumes()).toMatchObject([{ backup: { excluded: false, hook: null } }]);
    const change = (body: object) =>
      api.call('patch', '/v1/apps/shop/volumes/data/backup').send(body);
    const hook = { command: ['dump', '--all'] };
    const { body } = await change({ hook }).expect(200);
    const backup = { excluded: false, hook: { ...hook, timeoutSeconds: 300 } };
    expect(body.volume.backup).toEqual(backup);
    await change({ excluded: true }).expect(200);
    expect(await volumes()).toMatchObject([{ backup: { ...backup, excluded: true } }]);
    expect(finding().summary).toContain('left out of backups: data of shop');
    for (const wrong of [
      {},
      { hook: {} },
      { hook: { command: 'dump --all' } },
      { hook: { command: [] } },
      { hook: { ...hook, timeoutSeconds: 3601 } },
    ]) {
      expect((await change(wrong)).status).toBe(422);
    }
    await api.call('patch', '/v1/apps/shop/volumes/no/backup').send({ excluded: true }).expect(404);
    await change({ excluded: false, hook: null }).expect(200);
    expect(finding().summary).not.toContain('left out');
    expect(await volumes()).toMatchObject([{ backup: { excluded: false, hook: null } }]);
  });

  it('that is exclusive makes its process one of which no two run, and a deploy says so', async () => {
    const { body } = await api
      .call('patch', '/v1/apps/shop/formation')
      .send({ web: 2 })
      .expect(422);
    expect(body).toMatchObject({ code: 'volume-exclusive', name: 'data', processType: 'web' });
    expect(body.detail).toContain('exclusive volume data');
    const plan = await api.call('get', '/v1/apps/shop/deploy-plan').expect(200);
    expect(plan.body.atMost).toEqual({ web: 1 });
    expect(plan.body.warnings).toContain(
      'web: its old instance stops before the new one starts (volume data is exclusive); none runs in between: up to 60 s to end, and until the new one is ready, up to 60 s',
    );
    expect(plan.body.order).toContain('stop the old web, then start the new one');
    expect(plan.body.outages).toMatchObject([{ process: 'web', volume: 'data' }]);
  });

  it.each([
    [{ path: 'data' }, 'body.path'],
    [{ path: '/' }, 'body.path'],
    [{ path: '/a/../b' }, 'body.path'],
    [{ path: '/proc/self' }, 'body.path'],
    [{ path: '/sys' }, 'body.path'],
    [{ path: '/dev/shm' }, 'body.path'],
    [{ path: '/etc' }, 'body.path'],
    [{ path: '/etc/app' }, 'body.path'],
    [{ name: 'UPPER' }, 'body.name'],
    [{ name: '../x' }, 'body.name'],
    [{ sizeBytes: 1 }, 'body.sizeBytes'],
    [{ processes: ['web', 'web'] }, 'body.processes'],
  ])('%o is refused at %s, and nothing changes', async (wrong, path) => {
    const head = await api.platform.api.log.head();
    const answer = await add({ name: 'more', path: '/more', sizeBytes: GIB, ...wrong });
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].path).toBe(path);
    expect(await changesAfter(api.platform.api.log, head)).toEqual([]);
  });

  it('within another one is refused with both paths', async () => {
    const { body } = await add({ name: 'more', path: '/data/in', sizeBytes: GIB }).expect(422);
    expect(body.detail).toContain('/data/in and /data of volume data');
  });

  it('that was lost is a finding, and is made anew only when somebody says so', async () => {
    expect(finding()).toMatchObject({ state: 'ok' });
    const volumeId = idOf('data');
    await make(volumeId, 'data');
    const recreate = (confirm: string) =>
      api.call('post', '/v1/apps/shop/volumes/data/recreate').send({ confirm });
    expect((await recreate('data').expect(422)).body.code).toBe('volume-not-missing');
    await record({
      type: 'RecordVolumeUsage',
      volumeId,
      usedBytes: 3 * GIB,
      sizeBytes: GIB,
    } as never);
    expect(await volumes()).toMatchObject([{ state: 'created', aboveSize: true }]);
    expect(finding()).toMatchObject({
      state: 'warning',
      summary: 'more is in volumes than declared: data of shop (3072 MiB of 1024 MiB)',
    });
    await record({ type: 'RecordVolumeMissing', volumeId });
    expect(await volumes()).toMatchObject([{ state: 'missing' }]);
    const lost = finding();
    expect(lost).toMatchObject({ state: 'failed' });
    expect(lost.remedy).toContain('shiplog volumes recreate');
    expect((await recreate('dat').expect(422)).body.code).toBe('confirmation-mismatch');
    await recreate('data').expect(200);
    expect(await volumes()).toMatchObject([{ state: 'declared' }]);
    expect(finding()).toMatchObject({ state: 'ok' });
    expect((await recreate('data').expect(422)).body.code).toBe('volume-not-missing');
  });

  it('in use is not removed; in nobody’s use it is, with its name once more', async () => {
    const remove = (confirm: string) =>
      api.call('delete', `/v1/apps/shop/volumes/data?confirm=${confirm}`);
    expect((await remove('data').expect(409)).body).toMatchObject({ code: 'volume-in-use' });
    await api.call('post', '/v1/apps/shop/stop').send({}).expect(202);
    expect((await remove('nope').expect(422)).body.code).toBe('confirmation-mismatch');
    await remove('data').expect(200);
    expect(await volumes()).toEqual([]);
    expect((await remove('data').expect(404)).body.code).toBe('volume-not-found');
  });
});

describe('a volume that is shared', () => {
  const record = (command: object) =>
    api.platform.given('run' as never, 'clean-1', command as never);

  it('is in use as long as a one-off command has it: no instance alone may have it then', async () => {
    const common = { name: 'common', path: '/common', sizeBytes: GIB, processes: [], shared: true };
    await add(common).expect(201);
    await record({
      ...{
        type: 'ScheduleRun',
        runId: 'clean-1',
        appId,
        version: 1,
        nodeId: 'n1',
        rolloutId: null,
      },
      ...{ kind: 'cron', job: 'clean', command: ['clean'], missed: 0, detached: true },
      ...{ scheduledFor: '2026-01-01T01:00:00.000Z', timeoutSeconds: null },
    });
    const exclusive = () =>
      api.call('patch', '/v1/apps/shop/volumes/common').send({ shared: false });
    const remove = () => api.call('delete', '/v1/apps/shop/volumes/common?confirm=common');
    for (const change of [exclusive, remove]) {
      const { body } = await change().expect(409);
      expect(body).toMatchObject({ code: 'volume-in-use' });
      expect(body.detail).toContain('clean-1');
    }
    await record({
      ...{ type: 'EndRun', outcome: 'succeeded', exitCode: 0, oomKilled: false, cause: null },
      ...{ detail: null, endedAt: '2026-01-01T01:00:05.000Z', logLines: [] },
    });
    await exclusive().expect(200);
    await remove().expect(200);
  });
});

describe('volumes of a destroyed app', () => {
  const kept = async (): Promise<{ id: string; name: string; app: string }[]> =>
    (await api.call('get', '/v1/volumes/kept').expect(200)).body as never;

  it('are kept and listed, and go only when somebody names them', async () => {
    await add({ name: 'files', path: '/files', sizeBytes: GIB }).expect(201);
    const volumeId = idOf('files');
    await make(volumeId, 'files');
    const { body } = await api.call('delete', '/v1/apps/shop?confirm=shop').expect(200);
    expect(body.keptVolumes).toEqual(['files']);
    expect(await kept()).toMatchObject([{ id: volumeId, name: 'files', app: 'shop' }]);
    const purge = (confirm: string, id = volumeId) =>
      api.call('delete', `/v1/volumes/kept/${id}?confirm=${confirm}`);
    expect((await purge('shop').expect(422)).body.code).toBe('confirmation-mismatch');
    expect((await purge('files', 'vol_none').expect(404)).body.code).toBe('volume-not-found');
    await purge('files').expect(200);
    expect(await kept()).toEqual([]);
    expect((await purge('files').expect(404)).body.code).toBe('volume-not-found');
  });

  it('go with it where that was said', async () => {
    const other = await api.deployed('other');
    await add({ name: 'files', path: '/files', sizeBytes: GIB }, 'other').expect(201);
    const { volumeId = '' } = api.platform.api.world.app(other)?.volumes['files'] ?? {};
    await make(volumeId, 'files');
    const { body } = await api.call('delete', '/v1/apps/other?confirm=other&volumes').expect(200);
    expect(body.keptVolumes).toEqual([]);
    expect(await kept()).toEqual([]);
    expect(api.platform.api.world.leftVolumes.get(volumeId)).toMatchObject({ isRemoved: true });
  });
});
