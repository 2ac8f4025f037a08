import { changesAfter } from '@shiplog/events/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
const PATH = '/v1/apps/shop/maintenance';
beforeAll(async () => {
  api = await startTestApi();
  await api.call('post', '/v1/apps').send({ name: 'shop' }).expect(201);
});
afterAll(() => api.stop());

const begin = (body: object, why = 'the database moves') =>
  api.call('put', PATH).set('Shiplog-Reason', why).send(body);
const OFF = { on: false, since: null, by: null, why: null, page: null, allow: [] };

it('begins, is shown, and ends', async () => {
  expect((await api.call('get', PATH).expect(200)).body).toEqual(OFF);
  const begun = await begin({ page: '<h1>\nback soon</h1>', allow: ['::1', '10.0.0.0/8'] });
  const expected = {
    ...{ on: true, why: 'the database moves', page: '<h1> back soon</h1>' },
    allow: ['10.0.0.0/8', '::1'],
  };
  expect(begun.body).toMatchObject(expected);
  const { sequence } = begun.body as { sequence: string };
  const shown = await api.call('get', `${PATH}?atLeast=${sequence}`).expect(200);
  expect(shown.body).toMatchObject(expected);
  await begin({ allow: [] }, 'still').expect(200);
  const ended = await api.call('delete', PATH).expect(200);
  expect(ended.body).toMatchObject(OFF);
  const past = await api.call('get', `${PATH}?at=${sequence}`).expect(200);
  expect(past.body).toMatchObject(expected);
});

it('writes nothing down where nothing changes', async () => {
  await begin({}).expect(200);
  const head = await api.platform.api.log.head();
  await begin({}).expect(200);
  expect(await changesAfter(api.platform.api.log, head)).toEqual([]);
  await api.call('delete', PATH).expect(200);
});

it.each([
  [{ allow: ['10.0.0.0/33'] }, 'such as 10.0.0.0/8'],
  [{ allow: ['localhost'] }, 'such as 10.0.0.0/8'],
  [{ allow: ['10.0.0.1\n'] }, 'such as 10.0.0.0/8'],
  [{ allow: Array.from({ length: 33 }, (_, i) => `10.0.0.${i}`) }, 'at most 32'],
  [{ page: 'x'.repeat(8193) }, 'at most 8192 bytes'],
  [{ page: 'ü'.repeat(8000) }, 'at most 8192 fit'],
  [{ page: '' }, 'body.page'],
  [{ page: ' \n' }, 'it is no text'],
  [{ page: '\ud800' }, 'it is no text'],
  [{ page: 1 }, 'body.page'],
  [{ pages: 'x' }, 'pages'],
])('%# is refused, and changes nothing', async (body, hint) => {
  const head = await api.platform.api.log.head();
  const refused = await begin(body).expect(422);
  expect(refused.body.detail).toContain(hint);
  const changes = await changesAfter(api.platform.api.log, head);
  expect(changes.filter(({ commit }) => commit.stream.startsWith('app.'))).toEqual([]);
});
