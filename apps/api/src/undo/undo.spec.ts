import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { changesAfter } from '@shiplog/events/testing';
import { completeRollout, startTestApi, type TestApi } from '../testing/start-test-api.js';

interface Proposal {
  readonly sequence: string;
  readonly app: string | null;
  readonly outcome: string;
  readonly commands: readonly string[];
  readonly leaves: readonly { what: string; sequence: string; by: string }[];
  readonly why: string | null;
  readonly instead: string | null;
  readonly plan: string | null;
}

let api: TestApi;
let ben: string;
beforeAll(async () => {
  api = await startTestApi();
  ben = await api.addUser('ben');
});
afterAll(() => api.stop());
afterEach(() => vi.restoreAllMocks());

const log = () => api.platform.api.log;
const changed = async (
  method: 'patch' | 'post' | 'put' | 'delete',
  path: string,
  body?: object,
) => {
  const answer = await api.call(method, path).send(body ?? {});
  expect(answer.status).toBeLessThan(300);
  return String(answer.body.sequence);
};
const setConfig = (app: string, set: object, unset: string[] = []) =>
  changed('patch', `/v1/apps/${app}/config`, { set, unset });
const proposed = async (sequence: string, query = '', token?: string): Promise<Proposal> =>
  (await api.call('get', `/v1/undo/${sequence}${query}`, token).expect(200)).body as Proposal;
const undo = (sequence: string, body: object = {}, token?: string) =>
  api.call('post', `/v1/undo/${sequence}`, token).send(body);
const configOf = async (app: string) => {
  const { body } = await api.call('get', `/v1/apps/${app}/config`).expect(200);
  return Object.fromEntries(
    (body as { key: string; value: string }[]).map(({ key, value }) => [key, value]),
  );
};
/** What follows from earlier changes goes on meanwhile. */
const changedByUsers = async (head: string) =>
  (await changesAfter(log(), head)).filter(({ commit }) => commit.actor.kind === 'user');
const newest = async (app: string) => (await log().read(`app.${app}`)).at(-1)?.commit;

describe('taking config back', () => {
  it('brings values back without showing them to anybody, as one ordinary change', async () => {
    const id = await api.deployed('paint');
    await setConfig('paint', { COLOUR: 'secret-blue', OLD: 'secret-old' });
    const sequence = await setConfig('paint', { COLOUR: 'secret-red', NEW: '1' }, ['OLD']);
    const before = await log().head();
    const proposal = await proposed(sequence);
    expect(proposal).toMatchObject({
      app: 'paint',
      outcome: 'possible',
      commands: ['shiplog config set COLOUR=… OLD=… -a paint', 'shiplog config unset NEW -a paint'],
    });
    expect(JSON.stringify(proposal)).not.toMatch(/secret|enc1/);
    expect(await changedByUsers(before)).toEqual([]);

    const answer = await undo(sequence, { plan: proposal.plan })
      .set('Shiplog-Reason', encodeURIComponent('red was wrong'))
      .expect(200);
    expect(answer.body).toMatchObject({ app: 'paint', undone: true, settles: true });
    expect(answer.text).not.toMatch(/secret|enc1/);
    expect(await configOf('paint')).toEqual({ COLOUR: 'secret-blue', OLD: 'secret-old' });
    const commit = await newest(id);
    expect(commit).toMatchObject({
      actor: { name: 'admin' },
      reason: `undo of ${sequence}: red was wrong`,
    });
    expect(commit?.events.map(({ type }) => type)).toEqual(['ConfigChanged', 'ReleaseCreated']);
    // The stored values are those of then: nothing was decrypted on the way.
    expect(JSON.stringify(commit)).not.toContain('secret');
  });

  it('leaves alone what somebody changed since, and takes it back when that is asked for', async () => {
    await api.call('post', '/v1/apps').send({ name: 'mixed' }).expect(201);
    const sequence = await setConfig('mixed', { A: '1', B: '1' });
    const later = await setConfig('mixed', { A: '2' });
    expect((await proposed(sequence)).leaves).toMatchObject([
      { what: 'A', sequence: later, by: 'admin' },
    ]);
    await undo(sequence).expect(200);
    expect(await configOf('mixed')).toEqual({ A: '2' });

    const refused = await undo(sequence).expect(409);
    expect(refused.body).toMatchObject({ code: 'undo-overtaken', leaves: [{ what: 'A' }] });
    expect(await configOf('mixed')).toEqual({ A: '2' });
    await undo(sequence, { force: true }).expect(200);
    expect(await configOf('mixed')).toEqual({});
    const again = await undo(sequence).expect(200);
    expect(again.body.undone).toBe(false);
  });
});

describe('taking other changes back', () => {
  it('scales, stops, sets and routes as before', async () => {
    const id = await api.deployed('moved');
    const steps = [
      await changed('patch', '/v1/apps/moved/formation', { web: 4 }),
      await changed('patch', '/v1/apps/moved/settings', { port: 3000 }),
      await changed('put', '/v1/apps/moved/domains/www.moved.example.com'),
      await changed('post', '/v1/apps/moved/stop'),
    ];
    for (const sequence of steps) {
      const { plan } = await proposed(sequence);
      await undo(sequence, { plan }).expect(200);
    }
    const app = api.platform.api.world.app(id);
    expect(app).toMatchObject({ formation: { web: 1 }, domains: [], stopped: false });
    expect(app?.settings.port).toBeNull();
    // The host is free again, and the removal can be taken back, too.
    const removal = String((await newest(id))?.events[0]?.type);
    expect(removal).toBe('AppStarted');
    await api.call('post', '/v1/apps', ben).send({ name: 'other' }).expect(201);
    await api.call('put', '/v1/apps/other/domains/www.moved.example.com', ben).expect(200);
    const taken = (await log().read(`app.${id}`)).find(({ commit }) =>
      commit.events.some(({ type }) => type === 'DomainRemoved'),
    );
    const refused = await undo(String(taken?.position)).expect(409);
    expect(refused.body.code).toBe('domain-taken');
  });

  it('goes back to the release that served', async () => {
    const id = await api.deployed('served', 2);
    const records = await log().read(`app.${id}`);
    const [first, second] = records.filter(({ commit }) =>
      commit.events.some(({ type }) => type === 'ReleaseCreated'),
    );
    const sequence = `${second?.position}-0000`;
    expect((await proposed(sequence)).commands).toEqual(['shiplog rollback v1 -a served']);
    const early = await undo(`${first?.position}`).expect(422);
    expect(early.body.code).toBe('undo-impossible');
    await undo(sequence).expect(200);
    await completeRollout(api.platform, id);
    expect(api.platform.api.world.liveOf(id)?.release).toMatchObject({ version: 3, rollbackOf: 1 });
  });

  it('revokes a token that was created', async () => {
    const { body } = await api.call('post', '/v1/tokens').send({ name: 'ci' }).expect(201);
    await api.call('get', '/v1/apps', String(body.token)).expect(200);
    await undo(String(body.sequence)).expect(200);
    await api.call('get', '/v1/apps', String(body.token)).expect(401);
  });

  it('asks the worker that keeps a policy, for administrators only', async () => {
    const { nodeId } = api.platform.api.config;
    const policy = { type: 'ChangePolicy', nodeId, exitedKept: 9, minimumAgeSeconds: 60 } as const;
    const sequence = await api.platform.given('garbage', nodeId, policy);
    const schedule = { schedule: 'daily 03:00', target: '/mnt/backup', keep: null } as const;
    const scheduled = await api.platform.given('backup', nodeId, {
      ...{ type: 'ChangeBackupPolicy', nodeId },
      ...schedule,
    });
    const asked: unknown[] = [];
    const ends = (['gc', 'backup'] as const).map((worker) =>
      api.platform.busOf(worker).serve('policy', (input) => {
        asked.push(input);
        return Promise.resolve({ position: api.platform.api.world.position });
      }),
    );
    await api.call('get', `/v1/undo/${sequence}`, ben).expect(404);
    await undo(sequence, {}, ben).expect(404);
    expect((await proposed(sequence)).commands).toEqual([
      'shiplog gc policy --exited-kept 3 --minimum-age 600s',
    ]);
    expect(asked).toEqual([]);
    await undo(sequence).expect(200);
    await undo(scheduled).expect(200);
    expect(asked).toMatchObject([
      { exitedKept: 3, minimumAgeSeconds: 600, context: { actor: { name: 'admin' } } },
      { schedule: 'off', target: null, keep: null },
    ]);
    for (const end of ends) end();
  });
});

describe('a change in between', () => {
  it('is a conflict with what was shown, and changes nothing', async () => {
    const id = await api.deployed('busy');
    const sequence = await changed('patch', '/v1/apps/busy/formation', { web: 3 });
    const { plan } = await proposed(sequence);
    await setConfig('busy', { A: '1' });
    const refused = await undo(sequence, { plan }).expect(412);
    expect(refused.body.code).toBe('revision-conflict');
    expect(api.platform.api.world.app(id)?.formation).toEqual({ web: 3 });
    await undo(sequence).set('If-Match', '"00000000000000000001"').expect(412);
    const again = await proposed(sequence);
    await undo(sequence, { plan: again.plan }).expect(200);
    expect(api.platform.api.world.app(id)?.formation).toEqual({ web: 1 });
  });

  it('is a conflict also between the look at the log and the append', async () => {
    const id = await api.deployed('racy');
    const sequence = await changed('patch', '/v1/apps/racy/formation', { web: 3 });
    const { read } = log();
    const spy = vi.spyOn(log(), 'read').mockImplementationOnce(async (stream) => {
      const records = await read.call(log(), stream);
      await setConfig('racy', { A: '1' });
      return records;
    });
    const refused = await undo(sequence).expect(412);
    expect(refused.body.code).toBe('revision-conflict');
    expect(spy).toHaveBeenCalled();
    expect(api.platform.api.world.app(id)?.formation).toEqual({ web: 3 });
  });

  it('is none when the same request comes once more', async () => {
    const id = await api.deployed('twice');
    const sequence = await changed('patch', '/v1/apps/twice/formation', { web: 2 });
    const { plan } = await proposed(sequence);
    const first = await undo(sequence, { plan }).set('Idempotency-Key', 'u-1').expect(200);
    const second = await undo(sequence, { plan }).set('Idempotency-Key', 'u-1').expect(200);
    expect(second.body).toEqual(first.body);
    expect(api.platform.api.world.app(id)?.formation).toEqual({ web: 1 });
    await undo(sequence, { force: true }).set('Idempotency-Key', 'u-1').expect(422);
  });
});

describe('what cannot be taken back', () => {
  it('is refused with the reason and what to do instead, and changes nothing', async () => {
    const { body } = await api.call('post', '/v1/apps').send({ name: 'gone' }).expect(201);
    const creation = (await log().read(`app.${body.id}`))[0]?.position ?? '';
    expect(await proposed(creation)).toMatchObject({
      outcome: 'impossible',
      instead: 'shiplog apps destroy gone --confirm gone',
      plan: null,
    });
    const destruction = await changed('delete', '/v1/apps/gone?confirm=gone');
    expect(await proposed(destruction)).toMatchObject({ app: 'gone', outcome: 'impossible' });
    const head = await log().head();
    const refused = await undo(destruction, { force: true }).expect(422);
    expect(refused.body).toMatchObject({ code: 'undo-impossible' });
    expect(refused.body.detail).toContain('shredded');
    expect(await changedByUsers(head)).toEqual([]);
  });

  it('is a part of another change, which it points at', async () => {
    const id = await api.deployed('caused');
    const fact = (await log().read(`name.caused`))[0];
    expect(fact?.commit.events[0]?.type).toBe('NameReserved');
    const [creation] = await log().read(`app.${id}`);
    expect((await proposed(`${fact?.position}`)).instead).toContain(
      `shiplog undo ${creation?.position}-0000`,
    );
  });

  it('is the same for what is not there and what is not theirs', async () => {
    await api.call('post', '/v1/apps').send({ name: 'hidden' }).expect(201);
    const sequence = await setConfig('hidden', { SECRET: 'x' });
    const head = await log().head();
    for (const [place, token] of [
      [sequence, ben],
      ['0', undefined],
      ['99999999999999999999', undefined],
      [sequence.replace(/0000$/, '0009'), undefined],
    ] as const) {
      const texts = await Promise.all([
        api.call('get', `/v1/undo/${place}`, token).expect(404),
        undo(place, {}, token).expect(404),
      ]);
      expect(texts.map((answer) => answer.body.code as string)).toEqual([
        'change-not-found',
        'change-not-found',
      ]);
      expect(texts[0].text).not.toContain('hidden');
    }
    await api.call('get', '/v1/undo/yesterday').expect(400);
    expect(await changedByUsers(head)).toEqual([]);
  });
});
