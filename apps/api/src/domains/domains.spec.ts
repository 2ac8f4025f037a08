import { changesAfter } from '@shiplog/events/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  for (const name of ['one', 'two']) await api.call('post', '/v1/apps').send({ name }).expect(201);
});
afterAll(() => api.stop());

const add = (app: string, host: string) =>
  api.call('put', `/v1/apps/${app}/domains/${encodeURIComponent(host)}`);

it('adds a host, lists it after the default one, and removes it', async () => {
  const added = await add('one', 'WWW.Example.com').expect(200);
  expect(added.body).toMatchObject({ host: 'www.example.com', kind: 'custom' });
  await add('one', 'www.example.com').expect(200);
  const listed = await api.call('get', '/v1/apps/one/domains').expect(200);
  expect(listed.body).toMatchObject([{ host: 'one.localhost' }, { host: 'www.example.com' }]);
  await api.call('delete', '/v1/apps/one/domains/www.example.com').expect(200);
  const again = await api.call('delete', '/v1/apps/one/domains/www.example.com').expect(404);
  expect(again.body.code).toBe('domain-not-on-app');
});

it("refuses somebody else's host, until it is given back", async () => {
  await add('one', 'shop.example.com').expect(200);
  const refused = await add('two', 'shop.example.com').expect(409);
  expect(refused.body).toMatchObject({ code: 'domain-taken', host: 'shop.example.com' });
  await api.call('delete', '/v1/apps/one/domains/shop.example.com').expect(200);
  await add('two', 'shop.example.com').expect(200);
});

it('holds no host for a request that is repeated after the host was given back', async () => {
  const sent = () => add('one', 'late.example.com').set('Idempotency-Key', 'late');
  const first = await sent().expect(200);
  await api.call('delete', '/v1/apps/one/domains/late.example.com').expect(200);
  const head = await api.platform.api.log.head();
  expect((await sent().expect(200)).body).toEqual(first.body);
  const changes = await changesAfter(api.platform.api.log, head);
  expect(changes.filter(({ commit }) => commit.actor.kind === 'user')).toEqual([]);
});

it('gives the host of a destroyed app to the next one', async () => {
  await api.call('post', '/v1/apps').send({ name: 'old' }).expect(201);
  await add('old', 'old.example.com').expect(200);
  await api.call('delete', '/v1/apps/old?confirm=old').expect(200);
  await add('one', 'old.example.com').expect(200);
});

it("refuses the platform's own hosts, of apps that are and of apps that are not yet", async () => {
  for (const host of ['two.localhost', 'one.localhost', 'later.localhost']) {
    const refused = await add('one', host).expect(422);
    expect(refused.body.code).toBe('domain-of-platform');
  }
  await add('one', 'deep.down.localhost').expect(200);
});

it('refuses what is no host name, and says what would be', async () => {
  const table: [string, string][] = [
    ['example', 'such as www.example.com'],
    ['ex ample.com', 'such as www.example.com'],
    ['a.com\nb.com', 'such as www.example.com'],
    ['$(id).example.com', 'such as www.example.com'],
    ['-a.example.com', 'such as www.example.com'],
    ['example.com.', 'such as www.example.com'],
    [`${'a'.repeat(64)}.com`, 'such as www.example.com'],
    ['127.0.0.1', 'address'],
    ['1.2.3.4', 'address'],
    ['*.example.com', 'wildcard'],
    ['bücher.example', 'xn--bcher-kva.example'],
  ];
  for (const [host, hint] of table) {
    const refused = await add('one', host).expect(400);
    expect(refused.body.detail, host).toContain(hint);
    expect(refused.body.errors[0].path).toBe('path.host');
  }
});
