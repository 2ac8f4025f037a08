import { selfSigned } from '@shiplog/secrets/self-signed';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ProcessName } from '@shiplog/events';
import { ROUTES } from '../http/routes.js';
import { aSource } from '../progress/testing/platform.js';
import { startTestApi, type Method, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.deployed('shop', 2);
  // One that outlives the changes.
  await api.call('post', '/v1/apps').send({ name: 'jobs' }).expect(201);
});
afterAll(() => api.stop());

const appId = (): string => api.platform.api.world.appByName('shop')?.appId ?? '';
const once = { window: { kind: 'once', from: '2999-01-01T00:00', until: '2999-01-02T00:00' } };
const image = { source: { kind: 'image', ref: 'test/app:2' } };
const build = async (buildId: string): Promise<string> => {
  await api.platform.given('app', appId(), { type: 'RequestBuild', buildId, source: aSource });
  return buildId;
};
const running = async (): Promise<string> => {
  await api.call('post', '/v1/apps/shop/restart').expect(202);
  const target = api.platform.api.world.deployment(appId())?.target;
  return target?.rolloutId ?? '';
};

/** The engine had the volume, and has it no more. */
const lost = async (name: string, of = 'shop'): Promise<string> => {
  const app = api.platform.api.world.appByName(of);
  const { volumeId = '' } = app?.volumes[name] ?? {};
  const fact = { volumeId, appId: app?.appId ?? '' };
  const made = { ...fact, name, incarnation: 1, nodeId: 'n1', engineName: `p-${name}` };
  await api.platform.given('volume', volumeId, { type: 'RecordVolumeCreated', ...made });
  await api.platform.given('volume', volumeId, { type: 'RecordVolumeMissing', ...fact });
  return volumeId;
};

type Change = readonly [Method, path: string, body?: object];
const send = ([method, path, body]: Change, reason: string) => {
  const call = api.call(method, path).set('Shiplog-Reason', encodeURIComponent(reason));
  return body === undefined ? call : call.send(body);
};

/** One request for every operation that changes something. In this order: the last one destroys the app. */
const CHANGES: Readonly<Record<string, Change | (() => Promise<Change>)>> = {
  createApp: ['post', '/v1/apps', { name: 'other' }],
  changeSettings: ['patch', '/v1/apps/shop/settings', { graceSeconds: 7 }],
  resizeProcess: ['patch', '/v1/apps/shop/limits', { process: 'web', set: { pids: 99 } }],
  changeTrafficPolicy: ['patch', '/v1/apps/shop/traffic-policy', { set: { sticky: true } }],
  changeBasicAuth: ['patch', '/v1/apps/shop/basic-auth', { set: { ann: 'correct horse' } }],
  restartApp: ['post', '/v1/apps/shop/restart'],
  scaleApp: ['patch', '/v1/apps/shop/formation', { web: 3 }],
  stopApp: ['post', '/v1/apps/shop/stop'],
  startApp: ['post', '/v1/apps/shop/start'],
  changeConfig: ['patch', '/v1/apps/shop/config', { set: { A: '1' } }],
  requestBuild: ['post', '/v1/apps/shop/builds', image],
  cancelBuild: async () => ['post', `/v1/apps/shop/builds/${await build('b-cancel')}/cancel`],
  promoteRelease: ['post', '/v1/apps/shop/releases/1/promote', { to: 'other' }],
  promoteDeploy: async () => ['post', `/v1/apps/shop/deploys/${await running()}/promote`],
  cancelDeploy: async () => ['post', `/v1/apps/shop/deploys/${await running()}/cancel`],
  rollBack: ['post', '/v1/apps/shop/rollback', { version: 1 }],
  addDomain: ['put', '/v1/apps/shop/domains/www.example.com'],
  addPort: ['put', '/v1/apps/other/ports/32100', {}],
  removePort: ['delete', '/v1/apps/other/ports/32100'],
  removeDomain: ['delete', '/v1/apps/shop/domains/www.example.com'],
  addCertificate: async () => {
    const dates = { notBefore: new Date(0), notAfter: new Date(Date.now() + 86_400_000) };
    const { chain, privateKey } = await selfSigned({ names: ['a.example.com'], ...dates });
    return ['put', '/v1/certificates/a.example.com', { certificate: chain, privateKey }];
  },
  removeCertificate: ['delete', '/v1/certificates/a.example.com'],
  changeHttpsPolicy: ['patch', '/v1/apps/shop/https', { redirect: false }],
  setCronJob: ['put', '/v1/apps/shop/cron/nightly', { schedule: '@daily', command: ['clean'] }],
  removeCronJob: ['delete', '/v1/apps/shop/cron/nightly'],
  addVolume: [
    'post',
    '/v1/apps/shop/volumes',
    { name: 'data', path: '/data', sizeBytes: 2 ** 30, shared: true },
  ],
  changeVolume: ['patch', '/v1/apps/shop/volumes/data', { sizeBytes: 2 ** 31 }],
  changeVolumeBackup: ['patch', '/v1/apps/shop/volumes/data/backup', { excluded: true }],
  recreateVolume: async () => {
    await lost('data');
    return ['post', '/v1/apps/shop/volumes/data/recreate', { confirm: 'data' }];
  },
  removeVolume: async () => {
    const unused = { name: 'cache', path: '/cache', sizeBytes: 2 ** 30, processes: [] };
    await api.call('post', '/v1/apps/shop/volumes').send(unused).expect(201);
    return ['delete', '/v1/apps/shop/volumes/cache?confirm=cache'];
  },
  removeKeptVolume: async () => {
    await api.call('post', '/v1/apps').send({ name: 'past' }).expect(201);
    const unused = { name: 'old', path: '/old', sizeBytes: 2 ** 30 };
    await api.call('post', '/v1/apps/past/volumes').send(unused).expect(201);
    const volumeId = await lost('old', 'past');
    await api.call('delete', '/v1/apps/past?confirm=past').expect(200);
    return ['delete', `/v1/volumes/kept/${volumeId}?confirm=old`];
  },
  lockApp: ['post', '/v1/apps/shop/lock', {}],
  unlockApp: ['post', '/v1/apps/shop/unlock', {}],
  beginMaintenance: ['put', '/v1/apps/shop/maintenance', { allow: ['10.0.0.0/8'] }],
  endMaintenance: ['delete', '/v1/apps/shop/maintenance'],
  addFreeze: ['put', '/v1/apps/shop/freezes/later', once],
  removeFreeze: ['delete', '/v1/apps/shop/freezes/later'],
  addPlatformFreeze: ['put', '/v1/freezes/later', once],
  removePlatformFreeze: ['delete', '/v1/freezes/later'],
  createGitUrl: ['post', '/v1/apps/shop/git-url', {}],
  createToken: ['post', '/v1/tokens', { name: 'laptop' }],
  revokeToken: async () => {
    const { body } = await api.call('post', '/v1/tokens').send({ name: 'old' }).expect(201);
    return ['delete', `/v1/tokens/${(body as { id: string }).id}`];
  },
  undoChange: async () => {
    const call = api.call('patch', '/v1/apps/shop/config').send({ set: { UNDONE: '1' } });
    const { body } = await call.expect(200);
    return ['post', `/v1/undo/${(body as { sequence: string }).sequence}`, {}];
  },
  erasePerson: ['post', '/v1/audit/erasures', { user: 'admin', confirm: 'admin' }],
  rotateMasterKey: ['post', '/v1/keys/rotate', {}],
  destroyApp: ['delete', '/v1/apps/shop?confirm=shop'],
};
/** Changes that a worker writes into the log: it is told who asked and why. */
const OF_WORKERS: Readonly<Record<string, readonly [ProcessName, operation: string, ...Change]>> = {
  changeGarbagePolicy: [
    ...(['gc', 'policy', 'put', '/v1/gc/policy'] as const),
    { exitedKept: 3, minimumAgeSeconds: 60 },
  ],
  createBackup: ['backup', 'create', 'post', '/v1/backups', { target: '/mnt/backup' }],
  runCronJob: ['deployer', 'run-job', 'post', '/v1/apps/jobs/cron/nightly/run'],
  stopRun: ['deployer', 'stop-run', 'post', '/v1/apps/jobs/runs/r1/stop'],
  changeBackupPolicy: [
    ...(['backup', 'policy', 'put', '/v1/backups/policy'] as const),
    { schedule: 'off', target: null, keep: null },
  ],
};

/** What is no change: the audit has who had it done. */
const NO_CHANGE: Readonly<Record<string, Change>> = {
  rebuildReadModels: ['post', '/v1/rebuild', { name: 'nodes' }],
  startRebuild: ['post', '/v1/rebuild/start', { name: 'nodes' }],
  rotateSigningKey: ['post', '/v1/audit/key/rotate', {}],
};
/** The same, of a worker or of work that is under way; recorded in one place with the others. */
const NOT_TRIED = ['verifyBackup', 'cancelRebuild', 'collectGarbage', 'checkDomain'];
/** What it is for stands in the log with the build that is asked for next. */
const UPLOAD = 'uploadSource';

const idsOf = (...tables: object[]): string[] => tables.flatMap((table) => Object.keys(table));

it('knows every operation that changes something or has something done', () => {
  const all = ROUTES.filter(({ method }) => method !== 'GET');
  const known = [...idsOf(CHANGES, OF_WORKERS, NO_CHANGE), ...NOT_TRIED, UPLOAD];
  expect(known.toSorted()).toEqual(all.map(({ id }) => id).toSorted());
  const changing = all.filter(({ changes }) => changes).map(({ id }) => id);
  expect([...idsOf(CHANGES, OF_WORKERS), UPLOAD].toSorted()).toEqual(changing.toSorted());
});

it.each(Object.entries(CHANGES))(
  '%s is in the log with who, where from and why',
  async (id, is) => {
    const change = typeof is === 'function' ? await is() : is;
    const { status, body: answer } = await send(change, `because of ${id}`);
    expect(status, JSON.stringify(answer)).toBeLessThan(300);
    const { body: page } = await api.call('get', '/v1/audit?limit=50').expect(200);
    const entries = (page as { entries: { reason: string | null }[] }).entries;
    // The oldest: what a process manager carries on has the reason, too.
    const entry = entries.findLast(({ reason }) => reason?.endsWith(`because of ${id}`));
    expect(entry).toMatchObject({ actor: 'admin', outcome: 'done', address: expect.any(String) });
  },
);

it.each(Object.entries(OF_WORKERS))(
  '%s tells the worker who, where from and why',
  async (id, [worker, operation, ...change]) => {
    const bus = api.platform.busOf(worker);
    const told: unknown[] = [];
    bus.serve(operation, (input) => {
      told.push(input);
      return Promise.reject(new Error('only looked'));
    });
    await send(change, `because of ${id}`);
    await bus.close();
    const context = {
      reason: `because of ${id}`,
      actor: expect.objectContaining({ name: 'admin' }),
    };
    expect(told).toEqual([
      expect.objectContaining({
        context: expect.objectContaining({
          ...context,
          origin: expect.objectContaining({ address: expect.any(String) }),
        }),
      }),
    ]);
  },
);

it.each(Object.entries(NO_CHANGE))('%s is in the audit, a moment later', async (id, change) => {
  const { status, body } = await send(change, `because of ${id}`);
  expect(status, JSON.stringify(body)).toBeLessThan(300);
  const found = async (): Promise<unknown[]> => {
    const { body: page } = await api.call('get', `/v1/audit?outcome=done&type=${id}`).expect(200);
    return (page as { entries: unknown[] }).entries;
  };
  await expect.poll(found, { timeout: 20_000 }).toEqual([
    expect.objectContaining({
      ...{ actor: 'admin', outcome: 'done', actions: [id], reason: `because of ${id}` },
      address: expect.any(String),
    }),
  ]);
});
