import { readFileSync } from 'node:fs';
import { LogUnavailableError } from '@shiplog/events/log';
import { ConfigError } from '@shiplog/runtime';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startApi } from '../index.js';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';
import { VERSION } from '../version.js';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.deployed('hello');
});
afterAll(() => api.stop());

describe('without a token', () => {
  it('tells that it lives, that it is ready, and what it measures', async () => {
    await request(api.url).get('/healthz').expect(200, { status: 'ok' });
    await request(api.url).get('/readyz').expect(200, { ready: true, reason: null });
    const metrics = await request(api.url).get('/metrics').expect(200);
    expect(metrics.text).toContain('shiplog_log_position');
    expect(metrics.text).toContain('shiplog_api_request_seconds_count');
    expect(metrics.headers['content-type']).toContain('text/plain');
  });

  it('describes itself, exactly as the client was generated from', async () => {
    const { body } = await request(api.url).get('/openapi.json').expect(200);
    const file = new URL('../../../../libs/api-client/openapi.json', import.meta.url);
    expect(body).toEqual(JSON.parse(readFileSync(file, 'utf8')));
    expect(body.openapi).toBe('3.1.0');
  });

  it('sends headers that keep browsers from mischief, and no sign of what it is made of', async () => {
    const { headers } = await request(api.url).get('/healthz').set('Origin', 'http://evil.example');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(headers['x-powered-by']).toBeUndefined();
  });

  it('has the version of the package', () => {
    const file = new URL('../../../../package.json', import.meta.url);
    expect(JSON.parse(readFileSync(file, 'utf8')).version).toBe(VERSION);
  });
});

describe('when the log takes no changes', () => {
  it('says whether the change happened, and is not ready', async () => {
    const append = vi.spyOn(api.platform.api.log, 'append');
    const scale = (web: number) => api.call('patch', '/v1/apps/hello/formation').send({ web });
    append.mockRejectedValueOnce(new LogUnavailableError('appending', 'not-written'));
    const refused = await scale(2).expect(503);
    expect(refused.body.code).toBe('log-unavailable');
    expect(refused.headers['retry-after']).toBe('2');
    await expect
      .poll(async () => (await request(api.url).get('/readyz')).status, { timeout: 5_000 })
      .toBe(503);

    const obstacle = 'the disk of the log is full; free space there';
    const full = new LogUnavailableError('appending', 'not-written', { obstacle });
    append.mockRejectedValueOnce(full);
    expect((await scale(2).expect(503)).body.detail).toContain(obstacle);

    append.mockRejectedValueOnce(new LogUnavailableError('appending', 'unknown'));
    const unknown = await scale(2).expect(503);
    expect(unknown.body.code).toBe('outcome-unknown');
    append.mockRestore();

    await scale(2).expect(200);
    await expect
      .poll(async () => (await request(api.url).get('/readyz')).status, { timeout: 5_000 })
      .toBe(200);
  });
});

describe('read models', () => {
  it('are rebuilt to the same bytes', async () => {
    const dump = async (query = '') =>
      (await api.call('get', `/v1/read-models/dump${query}`).buffer(true).expect(200)).text;
    const before = await dump();
    expect(before.split('\n').length).toBeGreaterThan(5);
    const { body } = await api.call('post', '/v1/rebuild').send({}).expect(200);
    expect(body.events).toBeGreaterThan(5);
    expect(await dump()).toBe(before);
    const { headers } = await api.call('get', '/v1/apps');
    const then = String(headers['shiplog-sequence']);
    await api.call('post', '/v1/apps').send({ name: 'later' }).expect(201);
    expect(await dump(`?at=${then}`)).toBe(before);
    const refused = await api.call('post', '/v1/rebuild').send({ name: 'nothing' }).expect(422);
    expect(refused.body.detail).toContain('releases');
  }, 30_000);
});

describe('garbage', () => {
  it('is asked of the gc, in the name of who asks', async () => {
    const seen: Record<string, unknown> = {};
    const item = { kind: 'container', id: 'c1', appId: null, reason: 'exited', bytes: 5 };
    const gc = api.platform.busOf('gc');
    const ends = ['preview', 'run'].map((operation) =>
      gc.serve(operation, () => Promise.resolve({ items: [item] })),
    );
    ends.push(
      gc.serve('policy', (input) => {
        Object.assign(seen, input);
        return api.platform.api.log.head().then((position) => ({ position }));
      }),
    );
    expect((await api.call('get', '/v1/gc/preview').expect(200)).body).toEqual([item]);
    expect((await api.call('post', '/v1/gc/run').expect(200)).body).toEqual([item]);
    const policy = { exitedKept: 5, minimumAgeSeconds: 60 };
    await api.call('put', '/v1/gc/policy').send(policy).expect(200);
    expect(seen).toMatchObject({ ...policy, context: { actor: { name: 'admin' } } });
    for (const exitedKept of [-1, 1.5, 1e9, '3']) {
      await api
        .call('put', '/v1/gc/policy')
        .send({ ...policy, exitedKept })
        .expect(422);
    }
    for (const end of ends) end();
    const { body } = await api.call('get', '/v1/gc/policy').expect(200);
    expect(body).toEqual({ exitedKept: 3, minimumAgeSeconds: 600 });
  });
});

describe('a taken port', () => {
  it('is named, and so is what to change', async () => {
    const { api: context } = api.platform;
    const config = { ...context.config, home: `${api.home}/second`, apiPort: api.port };
    const failed = await startApi({ ...context, config }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(ConfigError);
    expect(String(failed)).toContain(`port ${api.port} on 127.0.0.1 is taken`);
    expect(String(failed)).toContain('SHIPLOG_API_PORT');
  }, 20_000);
});
