import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';
import { hashPassword, PASSWORD_BYTES_MAX } from './password-hash.js';

describe('who may send requests to an app', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi();
    await api.deployed('shop', 1);
  });
  afterAll(() => api.stop());

  const change = (body: object) => api.call('patch', '/v1/apps/shop/basic-auth').send(body);
  const show = (query = '') => api.call('get', `/v1/apps/shop/basic-auth${query}`).expect(200);

  it('is nobody in particular, then who was set, as it was at any time, and rolls nothing out', async () => {
    expect((await show()).body).toEqual({ users: [], passesHeader: false });
    const first = await change({ set: { bob: 'correct horse', ann: 'battery staple' } }).expect(
      200,
    );
    expect(first.body).toMatchObject({ users: ['ann', 'bob'], passesHeader: false });
    const second = await change({ unset: ['bob'], passesHeader: true }).expect(200);
    expect((await show()).body).toEqual({ users: ['ann'], passesHeader: true });
    expect((await show(`?at=${first.body.sequence}`)).body).toMatchObject({
      users: ['ann', 'bob'],
    });
    expect((await api.call('get', '/v1/apps/shop')).body.state).toBe('live');
    await api.call('post', `/v1/undo/${second.body.sequence}`).send({}).expect(200);
    expect((await show()).body).toEqual({ users: ['ann', 'bob'], passesHeader: false });
  });

  it('is kept as a hash that the key of the app opens, and told by nobody', async () => {
    const password = 'nobody ever sees this';
    await change({ set: { carl: password } }).expect(200);
    const kept = api.platform.api.world.appByName('shop')?.basicAuth?.users['carl'] ?? '';
    expect(kept).toMatch(/^enc1\./);
    const events = await api.call('get', '/v1/events?app=shop').expect(200);
    const audit = await api.call('get', '/v1/audit?app=shop').expect(200);
    for (const text of [JSON.stringify(events.body), events.text, JSON.stringify(audit.body)]) {
      expect(text).not.toContain(password);
      expect(text).not.toContain('$6$');
      expect(text).not.toContain(kept);
    }
    expect(events.text).toContain('BasicAuthChanged');
    expect(JSON.stringify(audit.body)).toContain('carl');
  });

  it('does not end with the last name unless that is asked for', async () => {
    const { users } = (await show()).body as { users: string[] };
    const { body } = await change({ unset: users }).expect(409);
    expect(body).toMatchObject({ code: 'basic-auth-would-end' });
    await change({ unset: users, open: true }).expect(200);
    expect((await show()).body).toMatchObject({ users: [] });
    await change({ unset: ['ann'] }).expect(404);
  });

  it.each([
    {},
    { set: { ann: 'short' } },
    { set: { ann: 'x'.repeat(PASSWORD_BYTES_MAX + 1) } },
    { set: { ann: 'correct\nhorse' } },
    { set: { 'a:b': 'correct horse' } },
    { set: { ann: 'correct horse' }, unset: ['ann'] },
    { set: { ann: '$6$is.no.way.around', extra: 1 } },
  ])('%j is refused with what would be right, without the password', async (body) => {
    const { body: problem, text } = await change(body).expect(422);
    expect(problem).toMatchObject({ code: 'invalid-body', detail: expect.any(String) });
    expect(text).not.toMatch(/short|horse/);
  });
});

it('a hash is what crypt(3) comes to, for every length that a password may have', () => {
  for (let length = 8; length <= PASSWORD_BYTES_MAX; length += 11) {
    const password = 'pässwörd '.repeat(8).slice(0, length - 4);
    const hash = hashPassword(password);
    const salt = hash.split('$')[2] ?? '';
    const args = ['passwd', '-6', '-salt', salt, '-stdin'];
    expect(hash).toBe(execFileSync('openssl', args, { input: password }).toString().trim());
  }
  const longest = 'x'.repeat(PASSWORD_BYTES_MAX);
  expect(hashPassword(longest)).not.toBe(hashPassword(longest));
  expect(hashPassword('ä'.normalize('NFD').repeat(8))).toHaveLength(106);
});
