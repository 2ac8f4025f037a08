import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROUTES } from '../http/routes.js';
import { aSource } from '../progress/testing/platform.js';
import { startTestApi, type Method, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.deployed('shop', 2);
});
afterAll(() => api.stop());

const appId = (): string => api.platform.api.world.appByName('shop')?.appId ?? '';
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

type Change = readonly [Method, path: string, body?: object];
/** One request for every operation that changes something. In this order: the last one destroys the app. */
const CHANGES: Readonly<Record<string, Change | (() => Promise<Change>)>> = {
  createApp: ['post', '/v1/apps', { name: 'other' }],
  changeSettings: ['patch', '/v1/apps/shop/settings', { graceSeconds: 7 }],
  restartApp: ['post', '/v1/apps/shop/restart'],
  scaleApp: ['patch', '/v1/apps/shop/formation', { web: 3 }],
  stopApp: ['post', '/v1/apps/shop/stop'],
  startApp: ['post', '/v1/apps/shop/start'],
  changeConfig: ['patch', '/v1/apps/shop/config', { set: { A: '1' } }],
  requestBuild: ['post', '/v1/apps/shop/builds', image],
  cancelBuild: async () => ['post', `/v1/apps/shop/builds/${await build('b-cancel')}/cancel`],
  cancelDeploy: async () => ['post', `/v1/apps/shop/deploys/${await running()}/cancel`],
  rollBack: ['post', '/v1/apps/shop/rollback', { version: 1 }],
  addDomain: ['put', '/v1/apps/shop/domains/www.example.com'],
  removeDomain: ['delete', '/v1/apps/shop/domains/www.example.com'],
  createGitUrl: ['post', '/v1/apps/shop/git-url', {}],
  createToken: ['post', '/v1/tokens', { name: 'laptop' }],
  revokeToken: async () => {
    const { body } = await api.call('post', '/v1/tokens').send({ name: 'old' }).expect(201);
    return ['delete', `/v1/tokens/${(body as { id: string }).id}`];
  },
  erasePerson: ['post', '/v1/audit/erasures', { user: 'admin', confirm: 'admin' }],
  rotateMasterKey: ['post', '/v1/keys/rotate', {}],
  destroyApp: ['delete', '/v1/apps/shop?confirm=shop'],
};
/** Changes that are not in the log of this api: a source is stored, and a worker keeps its own policy. */
const ELSEWHERE = ['uploadSource', 'changeGarbagePolicy'];

it('knows every operation that takes a reason', () => {
  const taking = ROUTES.filter(({ changes }) => changes).map(({ id }) => id);
  expect([...Object.keys(CHANGES), ...ELSEWHERE].toSorted()).toEqual(taking.toSorted());
});

it.each(Object.entries(CHANGES))(
  '%s is in the log with who, where from and why',
  async (id, is) => {
    const [method, path, body] = typeof is === 'function' ? await is() : is;
    const reason = `because of ${id}`;
    const sent = api.call(method, path).set('Shiplog-Reason', encodeURIComponent(reason));
    const { status, body: answer } = await (body === undefined ? sent : sent.send(body));
    expect(status, JSON.stringify(answer)).toBeLessThan(300);
    const { body: page } = await api.call('get', '/v1/audit?limit=50').expect(200);
    const entries = (page as { entries: { reason: string | null }[] }).entries;
    // The oldest: what a process manager carries on has the reason, too.
    const entry = entries.findLast((one) => one.reason === reason);
    expect(entry).toMatchObject({ actor: 'admin', outcome: 'done', address: expect.any(String) });
  },
);
