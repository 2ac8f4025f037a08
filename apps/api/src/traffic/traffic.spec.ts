import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

describe('the traffic policy of an app', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
    await api.deployed('shop', 1);
  });
  afterAll(() => api.stop());

  const change = (body: object) => api.call('patch', '/v1/apps/shop/traffic-policy').send(body);
  const show = (query = '') => api.call('get', `/v1/apps/shop/traffic-policy${query}`).expect(200);

  it('is empty, then what was set, as it was at any time, and rolls nothing out', async () => {
    expect((await show()).body).toEqual({});
    const rate = { requests: 5, per: 'second', burst: 0, by: 'address' };
    const first = await change({ set: { rate, sticky: true } }).expect(200);
    expect(first.body.policy).toEqual({ sticky: true, rate });
    const second = await change({ set: { bodyBytes: 10 }, unset: ['sticky'] }).expect(200);
    expect(second.body.policy).toEqual({ rate, bodyBytes: 10 });
    expect((await show()).body).toEqual({ rate, bodyBytes: 10 });
    expect((await show(`?at=${first.body.sequence}`)).body).toEqual({ sticky: true, rate });
    expect((await api.call('get', '/v1/apps/shop')).body.state).toBe('live');
    await api.call('post', `/v1/undo/${second.body.sequence}`).send({}).expect(200);
    expect((await show()).body).toEqual({ sticky: true, rate });
  });

  it.each([
    {},
    { set: { sticky: true }, unset: ['sticky'] },
    { unset: ['cookies'] },
    { set: { allow: ['10.0.0.1'] } },
    { set: { requestHeaders: { set: { host: 'x' }, remove: [] } } },
    { set: { responseHeaders: { set: { 'x-a': 'a\r\nb: c' }, remove: [] } } },
  ])('%j is refused with what would be right', async (body) => {
    const { body: problem } = await change(body).expect(422);
    expect(problem).toMatchObject({ code: 'invalid-body', detail: expect.any(String) });
  });
});
