import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
let appId: string;
beforeAll(async () => {
  api = await startTestApi();
  const created = await api.call('post', '/v1/apps').send({ name: 'shop' }).expect(201);
  appId = (created.body as { id: string }).id;
});
afterAll(() => api.stop());

const line = {
  ...{ time: '2026-11-26T10:00:00.000Z', instance: null, release: null, requestId: '0b4c' },
  ...{ method: 'GET', host: 'shop.localhost', path: '/cart', status: 503, bytesIn: 90 },
  ...{ bytesOut: 200, durationMs: 12, queueMs: 0, retries: 0, termination: 'SC' },
};

describe('logs of type access', () => {
  it('are what the router sends, each with its request', async () => {
    const inputs: unknown[] = [];
    const unserve = api.platform.busOf('router-sync').serveSessions('access', (input, session) => {
      inputs.push(input);
      session.send({ kind: 'line', head: { appId, ...line } });
      session.end();
      return Promise.resolve();
    });
    const answer = await api.call('get', '/v1/apps/shop/logs?type=access&tail=5').buffer(true);
    const { time, instance: _instance, ...request } = line;
    expect(JSON.parse(answer.text)).toEqual({
      ...{ time, instance: '', process: 'web', stream: 'event', request },
      text: '503 GET shop.localhost/cart 12 ms, 200 bytes (SC)',
    });
    expect(inputs).toEqual([{ appId, tail: 5, follow: false }]);
    unserve();
  });

  it('are refused when no router answers', async () => {
    const refused = await api.call('get', '/v1/apps/shop/logs?type=access').expect(503);
    expect(refused.body.code).toBe('worker-unreachable');
  });
});

describe('traffic', () => {
  it('is what the router says, or refused where it says nothing', async () => {
    const figures = {
      ...{ requestsPerSecond: 2, errorPercent: null, p50Ms: 1, p95Ms: 2, p99Ms: 3 },
      ...{ bytesInPerSecond: 0, bytesOutPerSecond: 10 },
    };
    const traffic = {
      ...{ windowSeconds: 60, app: figures, queued: 0 },
      instances: [{ instance: null, release: null, ...figures, inFlight: null }],
    };
    const unserve = api.platform
      .busOf('router-sync')
      .serve('traffic', () => Promise.resolve(traffic));
    expect((await api.call('get', '/v1/apps/shop/traffic').expect(200)).body).toEqual(traffic);
    unserve();
    const refused = await api.call('get', '/v1/apps/shop/traffic').expect(503);
    expect(refused.body.code).toBe('worker-unreachable');
  });
});
