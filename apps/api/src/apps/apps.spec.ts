import { changesAfter } from '@shiplog/events/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anImage } from '../progress/testing/platform.js';
import { explain } from '../progress/progress-event.js';
import { completeRollout, startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
beforeAll(async () => (api = await startTestApi()));
afterAll(() => api.stop());

const create = (name: string, key?: string) => {
  const call = api.call('post', '/v1/apps');
  if (key !== undefined) void call.set('Idempotency-Key', key);
  return call.send({ name });
};

describe('creating an app', () => {
  it('answers with the app, its address and its place in the log', async () => {
    const created = await create('hello').expect(201);
    expect(created.body).toMatchObject({ name: 'hello', url: 'http://hello.localhost:5880/' });
    expect(created.headers['shiplog-sequence']).toBe(created.body.sequence);

    const shown = await api.call('get', '/v1/apps/hello').expect(200);
    expect(shown.body).toMatchObject({ name: 'hello', state: 'new', release: null });
    expect(shown.headers['etag']).toBe(`"${shown.body.revision}"`);
    const byId = await api.call('get', `/v1/apps/${created.body.id}`).expect(200);
    expect(byId.body).toEqual(shown.body);
  });

  it('refuses a taken name, whoever has it', async () => {
    await create('taken').expect(201);
    const refused = await create('taken').expect(409);
    expect(refused.body).toMatchObject({ code: 'name-taken', status: 409, name: 'taken' });
    expect(refused.headers['content-type']).toContain('application/problem+json');
  });

  it('makes one app of one Idempotency-Key, also when fifty requests race', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => create('racy', '"k-1"')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const records = await api.platform.api.log.read(`app.${answers[0]?.body.id as string}`);
    expect(records).toHaveLength(1);
  });

  it('refuses a key that was used for another request, and reserves nothing', async () => {
    await create('first', 'k-2').expect(201);
    const refused = await create('second', 'k-2').expect(422);
    expect(refused.body.code).toBe('idempotency-key-reused');
    await create('second').expect(201);
  });

  it('changes nothing when it is asked for once more after the app was destroyed', async () => {
    const first = await create('gone', 'k-gone').expect(201);
    await api.call('delete', '/v1/apps/gone?confirm=gone').expect(200);
    await api.platform.until(
      () => api.platform.api.world.get('name', 'gone').state.status === 'free',
      'the name is free',
    );
    const head = await api.platform.api.log.head();
    const again = await create('gone', 'k-gone').expect(201);
    expect(again.body).toMatchObject({ id: first.body.id, sequence: first.body.sequence });
    const changes = await changesAfter(api.platform.api.log, head);
    expect(changes.filter(({ commit }) => commit.actor.kind === 'user')).toEqual([]);
  });

  it('gives the name of a destroyed app to the next one, under another id', async () => {
    const old = await create('phoenix').expect(201);
    const sent = () =>
      api.call('delete', '/v1/apps/phoenix?confirm=phoenix').set('Idempotency-Key', 'gone');
    const destroyed = await sent().expect(200);
    const repeated = await sent().expect(200);
    expect(repeated.body).toEqual(destroyed.body);
    await api.call('get', '/v1/apps/phoenix').expect(404);
    const again = await create('phoenix').expect(201);
    expect(again.body.id).not.toBe(old.body.id);
  });
});

describe('destroying an app', () => {
  it('needs the name once more', async () => {
    await create('kept').expect(201);
    const wrong = await api.call('delete', '/v1/apps/kept?confirm=kep').expect(422);
    expect(wrong.body).toMatchObject({ code: 'confirmation-mismatch' });
    const absent = await api.call('delete', '/v1/apps/kept').expect(400);
    expect(absent.body.errors[0].path).toBe('query.confirm');
    await api.call('get', '/v1/apps/kept').expect(200);
  });
});

describe('changing an app', () => {
  it('refuses a change meant for an older revision, and does nothing', async () => {
    await api.deployed('fenced');
    const { headers } = await api.call('get', '/v1/apps/fenced');
    const scale = (web: number, revision: string) =>
      api.call('patch', '/v1/apps/fenced/formation').set('If-Match', revision).send({ web });
    const first = await scale(2, String(headers['etag'])).expect(200);
    expect(first.body.formation).toEqual({ web: 2 });
    const late = await scale(3, String(headers['etag'])).expect(412);
    expect(late.body).toMatchObject({ code: 'revision-conflict' });
    expect(late.headers['etag']).toBe(first.headers['etag']);
    await scale(3, String(first.headers['etag'])).expect(200);
    await scale(4, '*').expect(200);
    const { body: shown } = await api.call('get', '/v1/apps/fenced').expect(200);
    const now = String(shown.revision);
    for (const other of [`W/"${now}"`, '"another"', '""']) await scale(5, other).expect(412);
    for (const broken of [`"${now}`, `${now}"`, `"${now}", "${now}"`]) {
      await scale(5, broken).expect(400);
    }
    await scale(5, now).expect(200);
  });

  it('tells who changed what and why', async () => {
    await create('noted').expect(201);
    const changed = await api
      .call('patch', '/v1/apps/noted/settings')
      .set('Shiplog-Reason', encodeURIComponent('Größe ↑ 🚢'))
      .send({ memoryBytes: 256 * 1024 * 1024 })
      .expect(200);
    expect(changed.body.settings.memoryBytes).toBe(256 * 1024 * 1024);
    const records = await api.platform.api.log.read(`app.${await idOf('noted')}`);
    expect(records.at(-1)?.commit).toMatchObject({
      actor: { kind: 'user', name: 'admin' },
      reason: 'Größe ↑ 🚢',
      origin: { address: expect.stringMatching(/^enc1\./) },
    });
  });

  it('sets health checks without starting anything again', async () => {
    const id = await api.deployed('checked');
    const patch = (checks: unknown) =>
      api.call('patch', '/v1/apps/checked/settings').send({ checks });
    const readiness = { kind: 'http', path: '/up', failures: 3 };
    const changed = await patch({ web: { readiness } }).expect(200);
    const whole = { ...readiness, status: '200-399', intervalMs: 500, timeoutMs: 1000 };
    expect(changed.body.settings.checks).toMatchObject({ web: { readiness: whole } });
    const shown = await api.call('get', '/v1/apps/checked/settings').expect(200);
    expect(shown.body.checks).toEqual(changed.body.settings.checks);
    const records = await api.platform.api.log.read(`app.${id}`);
    expect(records.at(-1)?.commit.events.map(({ type }) => type)).toEqual(['HealthCheckChanged']);

    const refused = await patch({ worker: { liveness: { kind: 'tcp' } } }).expect(422);
    expect(refused.body).toMatchObject({ code: 'check-invalid' });
    expect(refused.body.detail).toContain('worker.liveness: tcp asks a port, and worker has none');
    await patch({ web: { readiness: { kind: 'ping' } } }).expect(422);
    await patch({ web: { readiness: { kind: 'http', path: '/up', intervalMs: 1 } } }).expect(422);
    await patch({ web: { readiness: null } }).expect(200);
    expect((await api.call('get', '/v1/apps/checked/settings')).body.checks).toEqual({});
  });

  it('appends nothing when nothing changes', async () => {
    await create('calm').expect(201);
    const id = await idOf('calm');
    await api.call('post', '/v1/apps/calm/start').expect(202);
    await api.call('patch', '/v1/apps/calm/settings').send({ cpus: 1 }).expect(200);
    expect(await api.platform.api.log.read(`app.${id}`)).toHaveLength(1);
  });

  it('stops, starts and restarts', async () => {
    const id = await api.deployed('moody');
    await api.call('post', '/v1/apps/moody/stop').expect(202);
    expect((await api.call('get', '/v1/apps/moody')).body.state).toBe('stopped');
    await api.call('post', '/v1/apps/moody/start').send({}).expect(202);
    await api.call('post', '/v1/apps/moody/restart').expect(202);
    expect((await api.call('get', '/v1/apps/moody')).body.state).toBe('deploying');
    await completeRollout(api.platform, id);
    expect((await api.call('get', '/v1/apps/moody')).body.state).toBe('live');
  });

  it('refuses to scale or restart what was never deployed', async () => {
    await create('empty').expect(201);
    const scaled = await api.call('patch', '/v1/apps/empty/formation').send({ web: 2 }).expect(422);
    expect(scaled.body.code).toBe('nothing-deployed');
    await api.call('post', '/v1/apps/empty/restart').expect(422);
  });
});

describe('looking into the past', () => {
  it('shows an app as it was, by sequence and by time, also a destroyed one', async () => {
    await api.deployed('diary');
    const then = await api.call('get', '/v1/apps/diary').expect(200);
    const sequence = String(then.headers['shiplog-sequence']);
    await api.call('patch', '/v1/apps/diary/formation').send({ web: 5 }).expect(200);
    const past = await api.call('get', `/v1/apps/diary?at=${sequence}`).expect(200);
    expect(past.body).toEqual(then.body);
    await api.call('delete', '/v1/apps/diary?confirm=diary').expect(200);
    const gone = await api.call('get', `/v1/apps/diary?at=${sequence}`).expect(200);
    expect(gone.body).toEqual(then.body);
    const before = await api.call('get', '/v1/apps?at=2020-01-01T00:00:00Z').expect(200);
    expect(before.body).toEqual([]);
  });

  it('refuses a moment that is none', async () => {
    for (const at of ['yesterday', '99999999999999999999-0000', '-1']) {
      const refused = await api.call('get', `/v1/apps?at=${at}`).expect(422);
      expect(refused.body.code, at).toBe('moment-unknown');
    }
    const ahead = await api.call('get', '/v1/apps?atLeast=00000000000000999999-0000').expect(422);
    expect(ahead.body.code).toBe('moment-unknown');
    await api.call('get', '/v1/apps?atLeast=soon').expect(400);
  });
});

const idOf = async (name: string): Promise<string> =>
  String((await api.call('get', `/v1/apps/${name}`)).body.id);

describe('an app whose image is gone for good', () => {
  it('is failing, and says why, until it is deployed again', async () => {
    const id = await api.deployed('lost');
    const explanation = explain('image-lost', 'The image test/app:1 is gone.');
    await api.platform.given('build', 'bld_lost-1', { type: 'RecordLostImage', explanation });
    const shown = await api.call('get', '/v1/apps/lost').expect(200);
    expect(shown.body).toMatchObject({ id, state: 'failing', problem: explanation.summary });
    const listed = await api.call('get', '/v1/apps').expect(200);
    expect(listed.body).toContainEqual(expect.objectContaining({ name: 'lost', state: 'failing' }));

    await api.platform.given('build', 'bld_lost-1', { type: 'RecordRebuiltImage', image: anImage });
    const again = await api.call('get', '/v1/apps/lost').expect(200);
    expect(again.body).toMatchObject({ state: 'live', problem: null });
  });
});
