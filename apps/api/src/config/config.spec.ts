import { afterAll, beforeAll, expect, it } from 'vitest';
import { hashOfToken, newTokenText } from '../auth/token-text.js';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
beforeAll(async () => (api = await startTestApi()));
afterAll(() => api.stop());

const change = (name: string, body: object) =>
  api.call('patch', `/v1/apps/${name}/config`).send(body);
const created = async (name: string) => {
  const { body } = await api.call('post', '/v1/apps').send({ name }).expect(201);
  return String(body.id);
};

it('sets values that enter the log only encrypted', async () => {
  const id = await created('secretive');
  const secret = 'p4ss; $(rm -rf /)\nsecond line "quoted" ü🚢';
  const changed = await change('secretive', { set: { PASSWORD: secret, B: '' } }).expect(200);
  expect(changed.body).toMatchObject({ keys: ['B', 'PASSWORD'], release: null });

  const listed = await api.call('get', '/v1/apps/secretive/config').expect(200);
  expect(listed.body).toEqual([
    { key: 'B', value: '' },
    { key: 'PASSWORD', value: secret },
  ]);
  const one = await api.call('get', '/v1/apps/secretive/config/PASSWORD').expect(200);
  expect(one.body).toEqual({ key: 'PASSWORD', value: secret });
  const log = JSON.stringify(await api.platform.api.log.read(`app.${id}`));
  expect(log).not.toContain('p4ss');
  const events = await api.call('get', `/v1/events?app=${id}`).expect(200);
  expect(events.text).not.toContain('p4ss');
  expect(events.text).not.toContain('enc1.');
});

it('tells a value to members of the team only: to nobody without a token, of another team, or who may only push', async () => {
  const appId = await created('guarded');
  const secret = 'for members only';
  await change('guarded', { set: { SECRET: secret } }).expect(200);
  const text = newTokenText();
  await api.platform.given('token', 'tok-push', {
    ...{ type: 'CreateToken', tokenId: 'tok-push', userId: 'pusher', name: 'ci' },
    ...{ hash: hashOfToken(text), scope: { kind: 'push', appId }, expiresAt: null },
  });
  const stranger = await api.addUser('pusher');
  const member = await api.addUser('colleague');
  const { state } = api.platform.api.world.get('app', appId);
  const teamId = state.status === 'active' ? state.teamId : '';
  await api.platform.given('team', teamId, { type: 'AddTeamMember', userId: 'colleague' });
  const { headers } = await api.call('get', '/v1/apps/guarded');
  const at = `?at=${String(headers['shiplog-sequence'])}`;
  for (const path of ['', '/SECRET', at, `/SECRET${at}`]) {
    const url = `/v1/apps/guarded/config${path}`;
    const refused: [string, number][] = [
      ['none', 401],
      [stranger, 404],
      [text, 403],
    ];
    for (const [token, status] of refused) {
      const answer = await api.call('get', url, token);
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.text).not.toContain(secret);
    }
  }
  const seen = await api.call('get', '/v1/apps/guarded/config/SECRET', member).expect(200);
  expect(seen.body.value).toBe(secret);
});

it('appends nothing when the value is the same', async () => {
  const id = await created('same');
  await change('same', { set: { A: '1', B: '2' } }).expect(200);
  await change('same', { set: { A: '1' } }).expect(200);
  expect(await api.platform.api.log.read(`app.${id}`)).toHaveLength(2);
  await change('same', { set: { A: '1', B: '3' } }).expect(200);
  const last = (await api.platform.api.log.read(`app.${id}`)).at(-1)?.commit.events[0];
  expect(last?.type === 'ConfigChanged' && Object.keys(last.data.set)).toEqual(['B']);
});

it('makes a new release of what serves', async () => {
  await api.deployed('serving');
  const changed = await change('serving', { set: { LEVEL: 'debug' } }).expect(200);
  expect(changed.body.release).toBe(2);
  const { body } = await api.call('get', '/v1/apps/serving/releases').expect(200);
  expect(body[0]).toMatchObject({ version: 2, cause: 'config', createdBy: 'admin' });
  expect(body[0].configChanges).toEqual({ set: ['LEVEL'], unset: [] });
});

it('unsets, and says which key is not set', async () => {
  await created('forgetful');
  await change('forgetful', { set: { A: '1' } }).expect(200);
  await change('forgetful', { unset: ['A'] }).expect(200);
  for (const key of ['A', 'toString', 'constructor']) {
    const refused = await change('forgetful', { unset: [key] }).expect(404);
    expect(refused.body).toMatchObject({ code: 'config-key-not-set', key });
    await api.call('get', `/v1/apps/forgetful/config/${key}`).expect(404);
  }
});

it('loses no update when many change different keys at once', async () => {
  await created('busy');
  const keys = Array.from({ length: 12 }, (_, i) => `KEY_${i}`);
  const answers = await Promise.all(keys.map((key) => change('busy', { set: { [key]: key } })));
  expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 200));
  const { body } = await api.call('get', '/v1/apps/busy/config').expect(200);
  expect(body).toHaveLength(keys.length);
});

it('refuses what cannot be a variable, naming it', async () => {
  await created('strict');
  const table: [object, string][] = [
    [{ set: { 'A-B': '1' } }, 'body.set.A-B'],
    [{ set: { 'A\nB': '1' } }, 'body.set.A?B'],
    [{ set: { A: 1 } }, 'body.set.A'],
    [{ set: { A: 'x\0y' } }, 'body.set.A'],
    [{ set: { A: 'x'.repeat(40_000) } }, 'body.set.A'],
    [{ set: { A: '1' }, sett: {} }, 'body.sett'],
    [{}, 'body'],
    [{ unset: ['$(id)'] }, 'body.unset.0'],
  ];
  for (const [body, path] of table) {
    const refused = await change('strict', body).expect(422);
    expect(refused.body.errors[0].path).toBe(path);
  }
  const many = Object.fromEntries(
    Array.from({ length: 9 }, (_, i) => [`K${i}`, 'x'.repeat(30_000)]),
  );
  const refused = await change('strict', { set: many }).expect(422);
  expect(refused.body.code).toBe('config-too-large');
  await api
    .call('patch', '/v1/apps/strict/config')
    .type('json')
    .send('{"set":{"__proto__":"x"}}')
    .expect(422);
});

it('takes the changes of many at once, who did not ask for one revision', async () => {
  const { log } = api.platform.api;
  // As far away as a real one: everybody decides before anybody's change is there.
  const append = log.append.bind(log);
  log.append = async (...args) => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    return append(...args);
  };
  await api.call('post', '/v1/apps').send({ name: 'crowded' }).expect(201);
  const keys = Array.from({ length: 60 }, (_, i) => `KEY_${i}`);
  const answers = await Promise.all(
    keys.map((key) =>
      api.call('patch', '/v1/apps/crowded/config').send({ set: { [key]: 'value' } }),
    ),
  );
  expect(answers.filter(({ status }) => status !== 200).map(({ text }) => text)).toEqual([]);
  const { body } = await api.call('get', '/v1/apps/crowded/config').expect(200);
  expect(body).toHaveLength(60);
  log.append = append;
});
