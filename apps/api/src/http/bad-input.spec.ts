import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changesAfter } from '@shiplog/events/testing';
import { startTestApi, type Method, type TestApi } from '../testing/start-test-api.js';
import { openApiDocument } from '../openapi/document.js';
import type { AnyRoute } from './route.js';
import { ROUTES } from './routes.js';

let api: TestApi;
let head: string;
beforeAll(async () => {
  api = await startTestApi();
  await api.deployed('shop');
  head = await api.platform.api.log.head();
});
afterAll(() => api.stop());

/** A route with an app that exists and something in every other place. */
const fill = (route: AnyRoute, value: string): string =>
  route.path.replace('{app}', 'shop').replace(/\{\w+\}/g, () => encodeURIComponent(value));
const methodOf = (route: AnyRoute): Method => route.method.toLowerCase() as Method;
const STREAMS = new Set(['streamEvents', 'dumpReadModels']);
const answering = ROUTES.filter(({ id }) => !STREAMS.has(id));
const withBody = ROUTES.filter(({ body }) => body !== undefined);
const NASTY = [
  '$(touch /tmp/x)',
  '`id`',
  "'; drop table apps; --",
  'a\nb',
  '../../etc/passwd',
  '\0',
  '🚢',
  'x'.repeat(5_000),
  '%00',
  '__proto__',
  'constructor',
];

/** Statuses of the answers that the API description promises for a route. */
const describedFor = ({ path, method }: AnyRoute): readonly string[] => {
  const operation = description.paths?.[path]?.[method.toLowerCase() as 'get'];
  return Object.keys(operation?.responses ?? {});
};
const description = openApiDocument('0');

const nothingHappened = async () =>
  expect(await changesAfter(api.platform.api.log, head)).toEqual([]);

describe('every route', () => {
  it.each(answering.map((route) => [route.id, route] as const))(
    '%s refuses unknown query fields, naming them',
    async (_id, route) => {
      const answer = await api.call(methodOf(route), `${fill(route, '1')}?bogus=1`);
      expect(answer.status).toBe(400);
      expect(answer.body.errors).toContainEqual(expect.objectContaining({ path: 'query.bogus' }));
      expect(describedFor(route)).toContain('400');
    },
  );

  it.each(withBody.map((route) => [route.id, route] as const))(
    '%s refuses a body that is not JSON, not an object, too large, of another type or with unknown fields',
    async (_id, route) => {
      const send = (type: string, body: string) =>
        api.call(methodOf(route), fill(route, '1')).set('Content-Type', type).send(body);
      expect((await send('application/json', '{"a":')).body.code).toBe('body-not-json');
      expect((await send('application/json', '[1]')).status).toBe(422);
      expect((await send('application/json', 'null')).status).toBe(422);
      expect((await send('text/plain', 'hello')).body.code).toBe('unsupported-media-type');
      expect((await send('application/json', '{"no_such_field":1}')).status).toBe(422);
      const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
      expect((await send('application/json', deep)).status).toBe(400);
      expect((await send('application/json', `"${'x'.repeat(2 ** 20)}"`)).status).toBe(413);
      const described = describedFor(route);
      expect(described).toEqual(expect.arrayContaining(['400', '413', '415', '422']));
      await nothingHappened();
    },
  );

  it.each(ROUTES.filter(({ path }) => /\{(?!app\})/.test(path)).map((r) => [r.id, r] as const))(
    '%s answers nasty names with one clear refusal and changes nothing',
    async (_id, route) => {
      for (const nasty of NASTY) {
        const answer = await api.call(methodOf(route), fill(route, nasty));
        expect(answer.status, nasty).toBeGreaterThanOrEqual(400);
        // A name that only a worker knows: none runs here.
        if (answer.body.code !== 'worker-unreachable') {
          expect(answer.status, nasty).toBeLessThan(500);
        }
        expect(describedFor(route), nasty).toContain(String(answer.status));
        expect(answer.body.detail, nasty).toMatch(/^[^\p{Cc}]+$/u);
      }
      await nothingHappened();
    },
  );

  it.each(ROUTES.filter(({ access }) => access === 'app').map((r) => [r.id, r] as const))(
    '%s has no app of a nasty name',
    async (_id, route) => {
      for (const nasty of NASTY) {
        const path = route.path
          .replace('{app}', encodeURIComponent(nasty))
          .replace(/\{\w+\}/g, '1');
        const query = route.id === 'destroyApp' ? '?confirm=x' : '';
        const answer = await api.call(methodOf(route), `${path}${query}`);
        expect([400, 404], `${nasty} ${answer.text}`).toContain(answer.status);
      }
    },
  );
});

describe('every route that shows the past', () => {
  it.each(ROUTES.filter(({ shows }) => shows).map((route) => [route.id, route] as const))(
    '%s refuses a moment that there is not, as described',
    async (_id, route) => {
      for (const query of ['at=yesterday', 'at=99999999999999999999', 'atLeast=999999']) {
        const needed = route.id === 'showCauses' ? 'of=v1&' : '';
        const answer = await api.call(methodOf(route), `${fill(route, '1')}?${needed}${query}`);
        expect(answer.status, query).toBe(422);
        expect(answer.body.code, query).toBe('moment-unknown');
        expect(describedFor(route)).toContain('422');
      }
    },
  );
});

describe('names and numbers', () => {
  it('refuses names outside the grammar and says what is right', async () => {
    for (const name of ['Hello', '1st', '-a', 'a-', 'a_b', 'a.b', '', 'a'.repeat(41), ...NASTY]) {
      const answer = await api.call('post', '/v1/apps').send({ name });
      if (name === 'constructor') continue;
      expect(answer.status, name).toBe(422);
      expect(answer.body.errors[0], name).toMatchObject({ path: 'body.name' });
      expect(answer.body.detail).toContain('lower-case letters');
    }
    for (const name of [1, null, true, ['a'], { a: 1 }]) {
      await api.call('post', '/v1/apps').send({ name }).expect(422);
    }
  });

  it('refuses instance counts that are none', async () => {
    const scale = (body: object) => api.call('patch', '/v1/apps/shop/formation').send(body);
    for (const web of [-1, 1.5, '3', null, 1e400, [1]]) {
      const answer = await scale({ web }).expect(422);
      expect(answer.body.errors[0].path).toBe('body.web');
    }
    const above = await scale({ web: 1e9 }).expect(422);
    expect(above.body).toMatchObject({ code: 'instance-count-above-limit', limit: 100 });
    const unknown = await scale({ clock: 1 }).expect(422);
    expect(unknown.body).toMatchObject({ code: 'process-type-unknown', known: ['web'] });
    await scale({}).expect(422);
    await scale({ 'web;id': 1 }).expect(422);
  });

  it('refuses headers outside their form', async () => {
    const create = () => api.call('post', '/v1/apps').send({ name: 'never' });
    for (const key of ['a b', '"a', 'a"', '"a"b"', 'a\\b', '""']) {
      await create().set('Idempotency-Key', key).expect(400);
    }
    await create().set('Idempotency-Key', 'k'.repeat(256)).expect(400);
    await create().set('If-Match', 'whatever').expect(400);
    await create().set('Shiplog-Reason', '%zz').expect(400);
    await create().set('Shiplog-Reason', 'a%0Ab').expect(400);
    await create().set('Shiplog-Reason', 'x'.repeat(501)).expect(400);
    await api.call('get', '/v1/apps/never').expect(404);
  });
});

describe('addresses', () => {
  it('knows unknown ones from those with another method', async () => {
    expect((await api.call('get', '/v1/nothing').expect(404)).body.code).toBe('route-not-found');
    const wrong = await api.call('put', '/v1/apps').expect(405);
    expect(wrong.headers['allow']).toBe('POST, GET');
    expect((await api.call('get', '/v1/apps/%zz')).status).toBe(400);
    expect((await api.call('get', '/v1/apps/%ff')).status).toBe(400);
  });
});

describe('size', () => {
  it('refuses 10 MB of JSON before it has arrived, declared or not, and takes the next request', async () => {
    for (const declared of [true, false]) {
      const answer = await postMuch(10 * 1024 * 1024, declared);
      expect(answer.status).toBe(413);
      expect(answer.body).toContain('1048576');
      expect(answer.sent).toBeLessThan(9 * 1024 * 1024);
    }
    await api.call('get', '/v1/whoami').expect(200);
  });

  it('refuses headers and addresses that are too long', async () => {
    const answer = await api.call('get', `/v1/apps?at=${'x'.repeat(20_000)}`);
    expect(answer.status).toBe(431);
    expect(answer.body.code).toBe('headers-too-large');
  });
});

/** Writes until the answer comes, as a client would that does not look. */
const postMuch = (bytes: number, declared: boolean) =>
  new Promise<{ status: number; body: string; sent: number }>((resolve, reject) => {
    let sent = 0;
    const outgoing = httpRequest(
      `${api.url}/v1/apps`,
      {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${api.token}`,
          'Content-Type': 'application/json',
          ...(declared ? { 'Content-Length': bytes } : {}),
        },
      },
      (response) => {
        const sentBefore = sent;
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => (body += text));
        response.on('end', () => {
          outgoing.destroy();
          resolve({ status: response.statusCode ?? 0, body, sent: sentBefore });
        });
      },
    );
    outgoing.on('error', (error) => (sent === 0 ? reject(error) : undefined));
    const chunk = Buffer.alloc(64 * 1024, 0x20);
    const write = (): void => {
      while (sent < bytes && !outgoing.destroyed) {
        sent += chunk.length;
        if (!outgoing.write(chunk)) return void outgoing.once('drain', write);
      }
      if (sent >= bytes) outgoing.end();
    };
    write();
  });
