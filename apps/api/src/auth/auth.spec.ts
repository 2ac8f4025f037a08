import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { pathsOf } from '@shiplog/runtime';
import { START } from '@shiplog/events';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../http/routes.js';
import { startTestApi, type Method, type TestApi } from '../testing/start-test-api.js';
import { ensureFirstAdministrator } from './first-administrator.js';
import { hashOfToken, newTokenText } from './token-text.js';

let api: TestApi;
let bob: string;
beforeAll(async () => {
  api = await startTestApi();
  await api.deployed('secret');
  bob = await api.addUser('bob');
});
afterAll(() => api.stop());

const methodOf = (method: string): Method => method.toLowerCase() as Method;
const pathOf = (path: string, app: string): string =>
  path.replace('{app}', app).replace(/\{\w+\}/g, '1');

/** Commits but those that record refusals. */
const changes = async (): Promise<number> =>
  (await api.platform.api.log.readStored(START, 10_000)).filter(
    ({ stream }) => !stream.startsWith('audit.'),
  ).length;

/** They are asked for the name once more. */
const CONFIRMED = ['destroyApp', 'removeVolume'];

describe('every route', () => {
  it.each(ROUTES.map((route) => [route.id, route] as const))(
    '%s needs a token',
    async (_id, { method, path }) => {
      const before = await changes();
      for (const header of [
        undefined,
        'Bearer',
        'Bearer shp_x',
        `Basic ${api.token}`,
        `Bearer ${newTokenText()}`,
      ]) {
        const call = request(api.url)[methodOf(method)](pathOf(path, 'secret'));
        if (header !== undefined) void call.set('Authorization', header);
        const answer = await call.expect(401);
        expect(answer.headers['www-authenticate']).toContain('Bearer');
        expect(answer.body).toMatchObject({ code: 'unauthenticated', status: 401 });
        expect(answer.body.detail).toContain('shiplog login');
      }
      expect(await changes()).toBe(before);
    },
  );

  it.each(ROUTES.filter(({ access }) => access === 'app').map((r) => [r.id, r] as const))(
    '%s tells nothing about an app of another team',
    async (_id, { id, method, path }) => {
      const before = await changes();
      const query = CONFIRMED.includes(id) ? '?confirm=secret' : '';
      const ofSecret = await api.call(methodOf(method), `${pathOf(path, 'secret')}${query}`, bob);
      const ofNone = await api.call(methodOf(method), `${pathOf(path, 'secreu')}${query}`, bob);
      expect(ofSecret.status).toBe(404);
      expect(ofSecret.body.code).toBe('app-not-found');
      expect(ofSecret.text).toBe(ofNone.text.replaceAll('secreu', 'secret'));
      expect(await changes()).toBe(before);
    },
  );

  it.each(ROUTES.filter(({ access }) => access === 'administrator').map((r) => [r.id, r] as const))(
    '%s is for administrators only',
    async (_id, { method, path }) => {
      const answer = await api.call(methodOf(method), path, bob).expect(403);
      expect(answer.body.code).toBe('not-administrator');
    },
  );

  it.each(ROUTES.map((route) => [route.id, route] as const))(
    '%s refuses a push token',
    async (_id, { method, path }) => {
      const push = await pushToken();
      const answer = await api.call(methodOf(method), pathOf(path, 'secret'), push).expect(403);
      expect(answer.body.code).toBe('token-scope');
    },
  );
});

let made: string | undefined;
const pushToken = async (): Promise<string> => {
  if (made !== undefined) return made;
  const { body } = await api.call('post', '/v1/apps/secret/git-url').send({}).expect(201);
  return (made = String(body.token));
};

describe('another team', () => {
  it('sees its own apps and no other', async () => {
    await api.call('post', '/v1/apps', bob).send({ name: 'bobs' }).expect(201);
    const { body } = await api.call('get', '/v1/apps', bob).expect(200);
    expect(body).toMatchObject([{ name: 'bobs' }]);
    await api.call('get', '/v1/apps/bobs').expect(200);
  });
});

describe('tokens', () => {
  it('are shown once, listed without their text, and end at once when revoked', async () => {
    const made = await api.call('post', '/v1/tokens', bob).send({ name: 'ci' }).expect(201);
    const text = String(made.body.token);
    expect(text).toMatch(/^shp_[A-Za-z0-9_-]{43}$/);
    await api.call('get', '/v1/whoami', text).expect(200);
    const listed = await api.call('get', '/v1/tokens', bob).expect(200);
    expect(listed.text).not.toContain(text);
    expect(listed.text).not.toContain(hashOfToken(text));
    expect(listed.body).toMatchObject([{ name: 'ci' }, { name: 'laptop' }]);
    await api.call('delete', `/v1/tokens/${String(made.body.id)}`, bob).expect(200);
    await api.call('get', '/v1/whoami', text).expect(401);
  });

  it('of others cannot be revoked, nor found', async () => {
    const mine = await api.call('post', '/v1/tokens').send({ name: 'mine' }).expect(201);
    const refused = await api.call('delete', `/v1/tokens/${String(mine.body.id)}`, bob).expect(404);
    expect(refused.body.code).toBe('token-not-found');
    const { body } = await api.call('get', '/v1/tokens').expect(200);
    expect(body).toContainEqual(expect.objectContaining({ user: 'bob' }));
  });

  it('cannot be shown again by repeating the request', async () => {
    const ask = () =>
      api.call('post', '/v1/tokens', bob).set('Idempotency-Key', 't').send({ name: 'once' });
    const first = await ask().expect(201);
    const second = await ask().expect(201);
    expect(second.body).toEqual({ ...first.body, token: null });
  });

  it('expire', async () => {
    const text = newTokenText();
    await api.platform.given('token', 'old', {
      type: 'CreateToken',
      tokenId: 'old',
      userId: 'bob',
      name: 'old',
      hash: hashOfToken(text),
      scope: { kind: 'user' },
      expiresAt: '2020-01-01T00:00:00Z',
    });
    await api.call('get', '/v1/whoami', text).expect(401);
    const { body } = await api.call('get', '/v1/tokens', bob).expect(200);
    expect(body[0]).toMatchObject({ name: 'old', state: 'expired' });
  });
});

describe('git-url', () => {
  it('holds a token for this app and nothing else, and a repeated request gets a working one', async () => {
    const ask = () =>
      api.call('post', '/v1/apps/secret/git-url').set('Idempotency-Key', 'g').send({});
    const first = await ask().expect(201);
    const second = await ask().expect(201);
    const url = new URL(String(second.body.url));
    expect(url.pathname).toBe('/git/secret.git');
    expect(url.password).toBe(second.body.token);
    const { world } = api.platform.api;
    expect(world.tokenByHash(hashOfToken(String(first.body.token))).status).toBe('revoked');
    expect(world.tokenByHash(hashOfToken(url.password))).toMatchObject({
      status: 'active',
      scope: { kind: 'push' },
    });
    expect(Date.parse(String(second.body.expiresAt))).toBeGreaterThan(Date.now());
  });
});

describe('the first administrator', () => {
  const file = () => pathsOf(api.home).credentials;
  const kept = async () => JSON.parse(await readFile(file(), 'utf8')) as { token: string };

  it('is a file that only its owner reads', async () => {
    const { mode } = await stat(file());
    expect(mode & 0o777).toBe(0o600);
    expect(await kept()).toMatchObject({ url: api.url, user: 'admin', token: api.token });
    const who = await api.call('get', '/v1/whoami').expect(200);
    expect(who.body).toMatchObject({
      user: 'admin',
      administrator: true,
      teams: [{ id: 'default', name: 'default' }],
    });
  });

  it('stays the same at the next start, and the file private', async () => {
    const before = await changes();
    await chmod(file(), 0o644);
    await ensureFirstAdministrator(apiContext());
    expect((await kept()).token).toBe(api.token);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect(await changes()).toBe(before);
  });

  it('finishes what a crash between file and log left undone', async () => {
    const text = newTokenText();
    await writeFile(file(), JSON.stringify({ url: api.url, user: 'admin', token: text }));
    await api.call('get', '/v1/whoami', text).expect(401);
    await ensureFirstAdministrator(apiContext());
    await api.call('get', '/v1/whoami', text).expect(200);
  });

  it('gets a new token when the file is gone or unreadable', async () => {
    for (const spoil of [() => rm(file()), () => writeFile(file(), '{"tok')]) {
      await spoil();
      await ensureFirstAdministrator(apiContext());
      const { token } = await kept();
      expect(token).not.toBe(api.token);
      await api.call('get', '/v1/whoami', token).expect(200);
    }
  });

  const apiContext = () => ({
    ...api.platform.api,
    config: { ...api.platform.api.config, publicApiPort: api.port },
  });
});
