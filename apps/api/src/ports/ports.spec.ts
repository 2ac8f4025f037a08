import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
let ben: string;
beforeAll(async () => {
  api = await startTestApi();
  ben = await api.addUser('ben');
  for (const name of ['one', 'two']) await api.call('post', '/v1/apps').send({ name }).expect(201);
  await api.call('post', '/v1/apps', ben).send({ name: 'bens' }).expect(201);
});
afterAll(() => api.stop());

const add = (app: string, port: number | string, body: object = {}, token?: string) =>
  api.call('put', `/v1/apps/${app}/ports/${port}`, token).send(body);

describe('ports of an app', () => {
  it('are added, listed, shown with the app, and removed', async () => {
    const added = await add('one', 32_100).expect(200);
    expect(added.body).toMatchObject({ port: 32_100, process: 'web', containerPort: null });
    const broker = { process: 'broker', containerPort: 1883 };
    await add('one', 32_090, broker).expect(200);
    const all = [
      { port: 32_090, ...broker },
      { port: 32_100, process: 'web', containerPort: null },
    ];
    expect((await api.call('get', '/v1/apps/one/ports').expect(200)).body).toEqual(all);
    expect((await api.call('get', '/v1/apps/one').expect(200)).body.ports).toEqual(all);
    await api.call('delete', '/v1/apps/one/ports/32100').expect(200);
    const at = `/v1/apps/one/ports?at=${added.body.sequence as string}`;
    expect((await api.call('get', at).expect(200)).body).toEqual([all[1]]);
    const again = await api.call('delete', '/v1/apps/one/ports/32100').expect(404);
    expect(again.body).toMatchObject({ code: 'port-not-on-app', known: [32_090] });
  });

  it('are one app’s at a time, across teams, until they are given back', async () => {
    await add('one', 32_200).expect(200);
    expect((await add('bens', 32_200, {}, ben).expect(409)).body.code).toBe('port-taken');
    await api.call('delete', '/v1/apps/one/ports/32200').expect(200);
    await add('bens', 32_200, {}, ben).expect(200);
  });

  it('hold no port that the app refused', async () => {
    const refused = await add('one', 32_210, { process: 'broker' }).expect(422);
    expect(refused.body.code).toBe('container-port-missing');
    await add('two', 32_210).expect(200);
  });

  it.each([
    ['80', 'port-not-allowed'],
    ['31999', 'port-not-allowed'],
    ['32768', 'port-not-allowed'],
  ])('are not %s', async (port, code) => {
    const { body } = await add('one', port).expect(422);
    expect(body).toMatchObject({ code });
    expect(body.detail).toContain('32000 to 32767');
  });

  it.each(['0', '65536', '1e4', '32100;x', '-1', '032100'])('are numbers, not %s', async (port) => {
    const { body } = await add('one', encodeURIComponent(port)).expect(400);
    expect(body.code).toBe('invalid-input');
  });

  it('come back by an undo, and go with their app to whoever wants them', async () => {
    await api.call('post', '/v1/apps').send({ name: 'old' }).expect(201);
    await add('old', 32_300).expect(200);
    const removed = await api.call('delete', '/v1/apps/old/ports/32300').expect(200);
    await api.call('post', `/v1/undo/${removed.body.sequence as string}`).send({});
    expect((await api.call('get', '/v1/apps/old/ports').expect(200)).body).toHaveLength(1);
    expect((await add('two', 32_300).expect(409)).body.code).toBe('port-taken');
    await api.call('delete', '/v1/apps/old?confirm=old').expect(200);
    await expect.poll(async () => (await add('two', 32_300)).status).toBe(200);
  });
});
