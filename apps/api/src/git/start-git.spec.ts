import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

it('asks the log about what may be a new token, and about nothing else', async () => {
  const { log } = api.platform.api;
  const head = log.head.bind(log);
  let asked = 0;
  log.head = () => {
    asked += 1;
    return head();
  };
  const fetchAs = (header: string) =>
    api
      .call('get', '/git/hello.git/info/refs?service=git-receive-pack')
      .set('Authorization', header);
  const basic = (token: string): string => `Basic ${Buffer.from(`x:${token}`).toString('base64')}`;
  for (const text of ['x', 'shp_short', 'y'.repeat(47)]) {
    await fetchAs(basic(text)).expect(401);
    await fetchAs(`Bearer ${text}`).expect(401);
  }
  expect(asked).toBe(0);
  await fetchAs(basic(`shp_${'n'.repeat(43)}`)).expect(401);
  expect(asked).toBe(1);
  log.head = head;
});
