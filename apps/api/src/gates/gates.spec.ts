import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { changesAfter } from '@shiplog/events/testing';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
let ben: string;
beforeAll(async () => {
  api = await startTestApi();
  ben = await api.addUser('ben');
});
afterAll(() => api.stop());

const log = () => api.platform.api.log;
const why = (text: string) => encodeURIComponent(text);
const lock = (app: string, body: object = {}, reason = 'audit', token?: string) =>
  api.call('post', `/v1/apps/${app}/lock`, token).set('Shiplog-Reason', why(reason)).send(body);
const setPort = (app: string, port: number) =>
  api.call('patch', `/v1/apps/${app}/settings`).send({ port });
const build = (app: string, headers: Record<string, string> = {}, token?: string) =>
  api
    .call('post', `/v1/apps/${app}/builds`, token)
    .set(headers)
    .send({ source: { kind: 'image', ref: 'nginx:1.27' } });
const gateOf = async (app: string, query = '') =>
  (await api.call('get', `/v1/apps/${app}${query}`).expect(200)).body.gate as Record<
    string,
    unknown
  >;
const ALWAYS = { window: { kind: 'cron', schedule: '* * * * *', seconds: 600 } };
const override = (what: string) => ({
  'Shiplog-Override': what,
  'Shiplog-Reason': why('the site is down'),
});

describe('locking an app', () => {
  it('refuses what would move releases, with who locked it, why, and the way out', async () => {
    await api.deployed('vault', 2);
    const locked = await lock('vault').expect(200);
    expect(locked.body.lock).toMatchObject({ by: 'admin', why: 'audit', until: null });
    const head = await log().head();
    for (const refused of [
      build('vault'),
      setPort('vault', 81),
      api.call('patch', '/v1/apps/vault/config').send({ set: { A: '1' }, unset: [] }),
      api.call('post', '/v1/apps/vault/rollback').send({ version: 1 }),
      api.call('delete', '/v1/apps/vault?confirm=vault'),
    ]) {
      const { status, body } = await refused;
      expect([status, body.code]).toEqual([423, 'app-locked']);
      expect(body).toMatchObject({ by: 'admin', why: 'audit', until: null });
      expect(body.detail).toMatch(/locked by admin since .*: audit\. .*unlock.*--override-lock/);
    }
    expect(await changesAfter(log(), head)).toEqual([]);
    for (const free of [
      api.call('patch', '/v1/apps/vault/formation').send({ web: 2 }),
      api.call('post', '/v1/apps/vault/restart').send({}),
      api.call('post', '/v1/apps/vault/stop').send({}),
      api.call('post', '/v1/apps/vault/start').send({}),
    ]) {
      expect((await free).status).toBeLessThan(300);
    }
  });

  it('lets it through with a reason, and both are in the same commit', async () => {
    const mute = await build('vault', { 'Shiplog-Override': 'lock' });
    expect([mute.status, mute.body.detail]).toEqual([400, expect.stringContaining('say why')]);
    expect((await build('vault', override('luck'))).body.detail).toContain('lock, freeze, or both');
    await build('vault', override('lock')).expect(202);
    const id = api.platform.api.world.appByName('vault')?.appId ?? '';
    const { commit } = (await log().read(`app.${id}`)).findLast(({ commit: one }) =>
      one.events.some(({ type }) => type === 'BuildRequested'),
    )!;
    expect(commit.reason).toBe('the site is down');
    expect(commit.events.map(({ type }) => type)).toEqual(['BuildRequested', 'LockOverridden']);
  });

  it('tells it until it is unlocked, then and now', async () => {
    const lockedAt = await log().head();
    expect(await gateOf('vault')).toMatchObject({ lock: { by: 'admin', why: 'audit' } });
    const first = await api.call('post', '/v1/apps/vault/unlock').send({}).expect(200);
    expect(first.body.unlocked).toBe(true);
    const again = await api.call('post', '/v1/apps/vault/unlock').send({}).expect(200);
    expect(again.body.unlocked).toBe(false);
    expect((await gateOf('vault'))['lock']).toBeNull();
    expect(await gateOf('vault', `?at=${lockedAt}`)).toMatchObject({ lock: { why: 'audit' } });
    await setPort('vault', 82).expect(200);
  });

  it('is refused without a reason, with an end that is over, and where somebody else holds it', async () => {
    const mute = await api.call('post', '/v1/apps/vault/lock').send({});
    expect([mute.status, mute.body.detail]).toEqual([400, expect.stringContaining('-m WHY')]);
    const over = await lock('vault', { until: '2020-01-01T00:00:00Z' });
    expect([over.status, over.body.detail]).toEqual([422, expect.stringContaining('is over')]);
    const far = await lock('vault', { until: '9999-12-31T23:59:59-05:00' });
    expect([far.status, far.body.detail]).toEqual([422, expect.stringContaining('year 9999')]);
    const hidden = await lock('vault', {}, 'mine', ben);
    expect(hidden.body.code).toBe('app-not-found');
  });

  it('is refused where somebody else of the team has done it, with the one way there is', async () => {
    await api.call('post', '/v1/apps', ben).send({ name: 'bens' }).expect(201);
    await lock('bens', {}, 'mine', ben).expect(200);
    const { status, body } = await lock('bens', {}, 'audit').set(override('lock'));
    expect([status, body.code]).toEqual([409, 'lock-held']);
    expect(body).toMatchObject({ by: 'ben', why: 'mine', until: null });
    expect(body.detail).toMatch(
      /locked by ben since .*: mine\. Unlock it first: `shiplog unlock`\.$/,
    );
    await api.call('post', '/v1/apps/bens/unlock').send({}).expect(200);
    await lock('bens').expect(200);
  });

  it('ends by itself', async () => {
    await api.deployed('timed');
    await lock('timed', { until: '2999-01-01T00:00:00+02:00' }).expect(200);
    expect((await build('timed')).body).toMatchObject({
      code: 'app-locked',
      until: '2998-12-31T22:00:00.000Z',
    });
    vi.spyOn(Date, 'now').mockReturnValue(Date.parse('2999-01-02T00:00:00Z'));
    try {
      expect((await gateOf('timed'))['lock']).toBeNull();
      await build('timed').expect(202);
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('is told by a plan of a deploy', async () => {
    await api.deployed('planned');
    await lock('planned').expect(200);
    const { body } = await api.call('get', '/v1/apps/planned/deploy-plan').expect(200);
    expect(body.gate.lock.why).toBe('audit');
    expect(body.warnings).toContain('it would be refused: the app is locked by admin (audit)');
  });

  it('is taken back like any other change', async () => {
    await api.deployed('undone');
    const { body } = await lock('undone').expect(200);
    await api
      .call('post', `/v1/undo/${body.sequence as string}`)
      .send({})
      .expect(200);
    expect((await gateOf('undone'))['lock']).toBeNull();
  });
});

describe('an undo of what went ahead in spite of a lock', () => {
  it('is barred by the lock as well, and goes ahead in the same way', async () => {
    await api.deployed('barred', 2);
    await lock('barred').expect(200);
    const config = () => api.call('patch', '/v1/apps/barred/config').send({ set: { A: '1' } });
    const { sequence } = (await config().set(override('lock')).expect(200)).body as {
      sequence: string;
    };
    const undo = () => api.call('post', `/v1/undo/${sequence}`).send({});
    expect((await undo()).body).toMatchObject({ status: 423, code: 'app-locked' });
    const head = await log().head();
    await undo().set(override('lock')).expect(200);
    const [{ commit } = { commit: undefined }] = await changesAfter(log(), head);
    expect(commit?.events.map(({ type }) => type)).toEqual([
      'ConfigChanged',
      'ReleaseCreated',
      'LockOverridden',
    ]);
    expect((await gateOf('barred'))['lock']).toMatchObject({ why: 'audit' });
  });
});

describe('freeze windows', () => {
  it('of an app refuse its releases while they are open, and are put aside by its team', async () => {
    await api.deployed('frosty');
    await api.call('put', '/v1/apps/frosty/freezes/always').send(ALWAYS).expect(200);
    const { status, body } = await build('frosty');
    expect([status, body.code]).toEqual([423, 'releases-frozen']);
    expect(body).toMatchObject({ freeze: 'always', ofPlatform: false, needsAdministrator: false });
    expect((await build('frosty', override('lock'))).status).toBe(423);
    await build('frosty', override('freeze, lock')).expect(202);
    await api.call('post', '/v1/apps/frosty/restart').send({}).expect(202);
    const { body: plan } = await api.call('get', '/v1/apps/frosty/deploy-plan').expect(200);
    expect(plan.gate.frozen).toMatchObject([{ freeze: 'always' }]);
    await api.call('delete', '/v1/apps/frosty/freezes/always').expect(200);
    await build('frosty').expect(202);
  });

  it('of the platform are for administrators, and count for everybody', async () => {
    const benny = await api.call('post', '/v1/apps', ben).send({ name: 'benny' }).expect(201);
    expect(benny.body.name).toBe('benny');
    const refused = await api.call('put', '/v1/freezes/all', ben).send(ALWAYS);
    expect(refused.body.code).toBe('not-administrator');
    const { body } = await api
      .call('put', '/v1/freezes/all')
      .set('Shiplog-Reason', why('nobody is there'))
      .send(ALWAYS)
      .expect(200);
    try {
      expect((await api.call('get', '/v1/freezes', ben).expect(200)).body).toMatchObject([
        { freeze: 'all', ofPlatform: true, why: 'nobody is there' },
      ]);
      const barred = await build('benny', override('freeze'), ben);
      expect(barred.body).toMatchObject({ code: 'releases-frozen', needsAdministrator: true });
      expect(barred.body.detail).toContain('An administrator can go ahead');
      await build('benny', override('freeze')).expect(202);
      expect((await api.call('get', '/v1/apps/benny/freezes', ben)).body).toHaveLength(1);
      const undone = await api.call('post', `/v1/undo/${body.sequence as string}`, ben).send({});
      expect(undone.status).toBe(404);
    } finally {
      await api
        .call('post', `/v1/undo/${body.sequence as string}`)
        .send({})
        .expect(200);
    }
    expect((await api.call('get', '/v1/freezes')).body).toEqual([]);
    await build('benny', {}, ben).expect(202);
  });

  it('are seen as they were', async () => {
    await api.deployed('seen');
    const before = await log().head();
    await api
      .call('put', '/v1/apps/seen/freezes/weekend')
      .send({
        window: { kind: 'weekly', from: 'FRI 16:00', until: 'MON 08:00' },
        timeZone: 'Europe/Berlin',
      })
      .expect(200);
    expect((await gateOf('seen'))['nextFreeze']).toMatchObject({ freeze: 'weekend' });
    const { body } = await api.call('get', `/v1/apps/seen/freezes?at=${before}`).expect(200);
    expect(body).toEqual([]);
    expect((await gateOf('seen', `?at=${before}`))['nextFreeze']).toBeNull();
  });

  it('have a plain name', async () => {
    const answer = await api.call('put', '/v1/freezes/Week%20end').send(ALWAYS);
    expect(answer.body).toMatchObject({ code: 'invalid-input', errors: [{ path: 'path.freeze' }] });
  });

  it.each([
    [{ kind: 'weekly', from: 'FRI 25:00', until: 'MON 08:00' }, 'UTC', 'FRI 16:00'],
    [{ kind: 'weekly', from: 'FRI 16:00', until: 'FRI 16:00' }, 'UTC', 'never open'],
    [{ kind: 'cron', schedule: '* * *', seconds: 60 }, 'UTC', 'five fields'],
    [{ kind: 'cron', schedule: '0 0 30 2 *', seconds: 60 }, 'UTC', 'never comes'],
    [{ kind: 'cron', schedule: '@daily', seconds: 1 }, 'UTC', 'at least 60 seconds'],
    [{ kind: 'once', from: '2999-02-30T00:00', until: '2999-03-01T00:00' }, 'UTC', 'is no time'],
    [{ kind: 'once', from: '2020-01-01T00:00', until: '2020-01-02T00:00' }, 'UTC', 'over already'],
    [
      { kind: 'once', from: '2999-01-02T00:00', until: '2999-01-01T00:00' },
      'UTC',
      'before it begins',
    ],
    [
      { kind: 'once', from: '2999-01-02T00:00', until: '9999-12-31T23:59:59-05:00' },
      'UTC',
      'after the year 9999',
    ],
    [{ kind: 'weekly', from: 'FRI 16:00', until: 'MON 08:00' }, 'Mars/Olympus', 'no time zone'],
  ])(
    'that are none (%j in %s) are refused with what would be right',
    async (window, timeZone, hint) => {
      const head = await log().head();
      const answer = await api.call('put', '/v1/freezes/wrong').send({ window, timeZone });
      expect([answer.status, answer.body.detail]).toEqual([422, expect.stringContaining(hint)]);
      expect(await changesAfter(log(), head)).toEqual([]);
    },
  );
});
