import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anExplanation } from '../progress/testing/platform.js';
import { completeRollout, startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
beforeAll(async () => (api = await startTestApi()));
afterAll(() => api.stop());

const releases = async (name: string) =>
  (await api.call('get', `/v1/apps/${name}/releases`).expect(200)).body as {
    version: number;
    state: string;
  }[];

describe('releases', () => {
  it('are listed newest first and shown by number or v-number', async () => {
    await api.deployed('listed', 3);
    expect(await releases('listed')).toMatchObject([
      { version: 3, state: 'live', image: 'test/app:1', createdBy: 'ann', reason: 'why' },
      { version: 2, state: 'superseded' },
      { version: 1, state: 'superseded' },
    ]);
    const one = await api.call('get', '/v1/apps/listed/releases/v2').expect(200);
    expect(one.body.version).toBe(2);
    await api.call('get', '/v1/apps/listed/releases/2').expect(200);
    const none = await api.call('get', '/v1/apps/listed/releases/9').expect(404);
    expect(none.body).toMatchObject({ code: 'release-not-found', kept: [1, 2, 3] });
    await api.call('get', '/v1/apps/listed/releases/0').expect(400);
  });
});

describe('rollback', () => {
  const rollBack = (name: string, body: object = {}, key?: string) => {
    const call = api.call('post', `/v1/apps/${name}/rollback`);
    if (key !== undefined) void call.set('Idempotency-Key', key);
    return call.send(body);
  };

  it('brings the one before the live one that was live, once, however often it is asked', async () => {
    const id = await api.deployed('back', 2);
    const first = await rollBack('back', {}, 'r-1').expect(202);
    expect(first.body).toMatchObject({ release: 3, rollbackOf: 1, deployId: `${id}-g3` });
    const second = await rollBack('back', {}, 'r-1').expect(202);
    expect(second.body).toEqual(first.body);
    expect(await releases('back')).toHaveLength(3);
  });

  it('passes over releases that never served', async () => {
    const id = await api.deployed('skip', 2);
    await api
      .call('patch', '/v1/apps/skip/config')
      .send({ set: { A: '1' } })
      .expect(200);
    const { rolloutId, release } = api.platform.api.world.deployment(id)?.target ?? {};
    expect(release?.version).toBe(3);
    expect(rolloutId).toBeTruthy();
    await api
      .call('patch', '/v1/apps/skip/config')
      .send({ set: { A: '2' } })
      .expect(200);
    await completeRollout(api.platform, id);
    const answer = await rollBack('skip').expect(202);
    expect(answer.body.rollbackOf).toBe(2);
  });

  it('goes to a named one, and says when it cannot', async () => {
    await api.deployed('named', 2);
    expect((await rollBack('named', { version: 2 }).expect(422)).body.code).toBe(
      'release-already-live',
    );
    expect((await rollBack('named', { version: 7 }).expect(404)).body.kept).toEqual([1, 2]);
    for (const version of [0, -1, 1.5, 'v1']) await rollBack('named', { version }).expect(422);
    await rollBack('named', { version: 1 }).expect(202);

    await api.deployed('single');
    expect((await rollBack('single').expect(422)).body.code).toBe('nothing-to-roll-back-to');
    await api.call('post', '/v1/apps').send({ name: 'blank' }).expect(201);
    expect((await rollBack('blank').expect(422)).body.code).toBe('nothing-deployed');
  });
});

describe('promotion to another app', () => {
  const promote = (name: string, version: string, to: string, key?: string) => {
    const call = api.call('post', `/v1/apps/${name}/releases/${version}/promote`);
    if (key !== undefined) void call.set('Idempotency-Key', key);
    return call.send({ to });
  };

  it('releases the same image there without a build, once, with the config of that app', async () => {
    const from = await api.deployed('tried', 2);
    const to = await api.deployed('prod');
    await api
      .call('patch', '/v1/apps/prod/config')
      .send({ set: { MODE: 'prod' } })
      .expect(200);
    const first = await promote('tried', 'v2', 'prod', 'p-1').expect(202);
    expect(first.body).toMatchObject({ app: 'prod', release: 3, deployId: `${to}-g3` });
    expect((await promote('tried', 'v2', 'prod', 'p-1').expect(202)).body).toEqual(first.body);
    const { world } = api.platform.api;
    const [ours, theirs] = [world.app(to)?.releases.at(-1), world.app(from)?.releases.at(-1)];
    expect(ours).toMatchObject({ image: theirs?.image, buildId: null });
    expect(Object.keys(ours?.config ?? {})).toEqual(['MODE']);
    const shown = await api.call('get', '/v1/apps/prod/releases/3').expect(200);
    expect(shown.body).toMatchObject({
      createdBy: 'admin',
      cause: 'image',
      promotedFrom: { appId: from, version: 2 },
      layers: null,
    });
  });

  it('is refused where there is nothing to promote, or nowhere to promote it to', async () => {
    expect((await promote('tried', 'v9', 'prod').expect(404)).body).toMatchObject({
      code: 'release-not-found',
      kept: [1, 2],
    });
    expect((await promote('tried', 'v1', 'nowhere').expect(404)).body.code).toBe('app-not-found');
    expect((await promote('tried', 'v1', 'tried').expect(422)).body.code).toBe('same-app');
  });
});

describe('builds', () => {
  const tar = (): Buffer => {
    const block = Buffer.alloc(1024);
    block.write('hello.txt', 0);
    block.write('ustar', 257);
    return Buffer.concat([block, Buffer.alloc(200_000, 7)]);
  };
  const upload = (type: string, body: Buffer) =>
    api.call('post', '/v1/apps/built/sources').set('Content-Type', type).send(body);

  it('keep their source by digest and begin once for each key', async () => {
    await api.call('post', '/v1/apps').send({ name: 'built' }).expect(201);
    const stored = await upload('application/x-tar', tar()).expect(201);
    const digest = `sha256:${createHash('sha256').update(tar()).digest('hex')}`;
    expect(stored.body).toEqual({ digest, bytes: tar().length });
    await upload('application/gzip', gzipSync(tar())).expect(201);

    const ask = (source: object) =>
      api
        .call('post', '/v1/apps/built/builds')
        .set('Idempotency-Key', 'b-1')
        .send({ source: { kind: 'archive', digest, ...source } });
    const first = await ask({}).expect(202);
    const second = await ask({}).expect(202);
    expect(second.body).toEqual(first.body);
    await ask({ branch: 'other' }).expect(422);

    const id = String(first.body.buildId);
    const shown = await api.call('get', `/v1/apps/built/builds/${id}`).expect(200);
    expect(shown.body).toMatchObject({ id, state: 'requested', source: { digest, via: 'upload' } });
    await api.call('post', `/v1/apps/built/builds/${id}/cancel`).expect(202);
    const listed = await api.call('get', '/v1/apps/built/builds').expect(200);
    expect(listed.body).toMatchObject([{ id, cancelRequested: true }]);
    const other = await api.call('get', `/v1/apps/listed/builds/${id}`).expect(404);
    expect(other.body.code).toBe('build-not-found');
  });

  it('refuse a source that is none, or is not here', async () => {
    const notTar = await upload('application/x-tar', Buffer.from('hello')).expect(422);
    expect(notTar.body.code).toBe('source-invalid');
    await upload('application/x-tar', Buffer.alloc(0)).expect(422);
    await upload('text/plain', tar()).expect(415);
    const request = (source: object) => api.call('post', '/v1/apps/built/builds').send({ source });
    const digest = `sha256:${'0'.repeat(64)}`;
    const absent = await request({ kind: 'archive', digest }).expect(422);
    expect(absent.body.errors[0].path).toBe('body.source.digest');
    for (const source of [
      { kind: 'image', ref: 'a b' },
      { kind: 'image', ref: '$(id)' },
      { kind: 'image', ref: '-v' },
      { kind: 'image', ref: 'a\nb' },
      { kind: 'image', ref: 'a'.repeat(500) },
      { kind: 'git', url: 'x' },
      { kind: 'archive', digest: 'sha256:../../x' },
      { kind: 'archive', digest, commit: 'HEAD' },
      { kind: 'archive', digest, branch: 'a\nb' },
    ]) {
      const refused = await request(source).expect(422);
      expect(refused.body.errors[0].path).toContain('body.source');
    }
  });

  it('say what they printed', async () => {
    const { builder } = api.platform;
    const unserve = builder.bus.serve('output', (input) => {
      const { after } = input as { after: number };
      const lines = ['one', 'two'].map((text, i) => ({ n: i + 1, text }));
      return Promise.resolve({ lines: lines.filter(({ n }) => n > after) });
    });
    const answer = await api
      .call('get', '/v1/apps/listed/builds/bld_listed-1/output')
      .buffer(true)
      .expect(200);
    expect(answer.headers['content-type']).toContain('application/x-ndjson');
    expect(answer.text).toBe('{"n":1,"text":"one"}\n{"n":2,"text":"two"}\n');
    await api.call('get', '/v1/apps/listed/builds/nope/output').expect(404);
    unserve();
  });
});

describe('following the output of a build', () => {
  const follow = (app: string, buildId: string) =>
    api.call('get', `/v1/apps/${app}/builds/${buildId}/output?follow`).buffer(true).expect(200);

  it('ends when the build was cancelled before it began', async () => {
    const { id } = (await api.call('get', '/v1/apps/listed').expect(200)).body as { id: string };
    const source = { kind: 'image', ref: 'test/app:1' } as const;
    await api.platform.given('app', id, { type: 'RequestBuild', buildId: 'bld_early', source });
    const following = follow('listed', 'bld_early');
    const ended = following.then(({ text }) => text.trim());
    await api.call('post', '/v1/apps/listed/builds/bld_early/cancel').send({}).expect(202);
    expect(await ended).toBe('');
  });

  it('ends when the build was so long ago that it is forgotten', async () => {
    const { given, api: context } = api.platform;
    const { body } = await api.call('post', '/v1/apps').send({ name: 'many' }).expect(201);
    const appId = String(body.id);
    for (let i = 1; i <= 62; i += 1) {
      const buildId = `bld_many-${i}`;
      const source = { kind: 'image', ref: 'test/app:1' } as const;
      await given('app', appId, { type: 'RequestBuild', buildId, source });
      await given('build', buildId, { type: 'StartBuild', buildId, appId, sourceDigest: null });
      await given('build', buildId, { type: 'FailBuild', explanation: anExplanation });
    }
    expect(context.world.get('build', 'bld_many-1').state.status).toBe('none');
    expect((await follow('many', 'bld_many-1')).text.trim()).toBe('');
  });
});

describe('deploys', () => {
  it('are listed newest first, shown, and not cancelled when they are over', async () => {
    const { body } = await api.call('get', '/v1/apps/listed/deploys').expect(200);
    expect(body).toMatchObject([
      { release: 3, state: 'completed' },
      { release: 2, state: 'completed' },
      { release: 1, state: 'completed' },
    ]);
    const id = String(body[0].id);
    await api.call('get', `/v1/apps/listed/deploys/${id}`).expect(200);
    const late = await api.call('post', `/v1/apps/listed/deploys/${id}/cancel`).expect(422);
    expect(late.body).toMatchObject({
      code: 'rollout-not-running',
      status: 422,
      state: 'completed',
    });
    await api.call('get', '/v1/apps/listed/deploys/nope').expect(404);
    const other = await api.call('get', `/v1/apps/back/deploys/${id}`).expect(404);
    expect(other.body.code).toBe('deploy-not-found');
  });

  it('can be followed to their end', async () => {
    const follow = (query: string) => api.call('get', `/v1/apps/listed/progress?${query}`);
    const deployId = `${String((await api.call('get', '/v1/apps/listed')).body.id)}-g3`;
    const answer = await follow(`deploy=${deployId}`).buffer(true).expect(200);
    const lines = answer.text.trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ kind: 'done' });
    for (const query of ['', 'build=a&deploy=b', 'settled=5']) await follow(query).expect(400);
  });
});
