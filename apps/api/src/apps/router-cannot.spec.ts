import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

describe.each(['haproxy', 'nginx'] as const)('a platform with %s', (router) => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({ router });
    await api.deployed('talk');
  });
  afterAll(() => api.stop());

  it('takes a protocol that its proxy speaks, and changes nothing for another', async () => {
    const set = (protocol: string) =>
      api.call('patch', '/v1/apps/talk/settings').send({ protocol });
    const { body, status } = await set('h2c');
    const shown = (await api.call('get', '/v1/apps/talk/settings').expect(200)).body;
    if (router === 'haproxy') {
      expect([status, shown.protocol]).toEqual([200, 'h2c']);
    } else {
      expect([status, shown.protocol]).toEqual([422, 'http']);
      expect(body).toMatchObject({
        code: 'router-cannot',
        detail: expect.stringContaining('SHIPLOG_ROUTER=haproxy'),
      });
    }
    await set('http').expect(200);
    await set('grpc').expect(422);
  });
});
