import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  anExplanation,
  anImage,
  ann,
  aSource,
  hashOf,
  startTestPlatform,
  type TestPlatform,
} from '../progress/testing/platform.js';
import { domainIdOf } from './index.js';
import { processManagerRound } from './process-managers.js';

let platform: TestPlatform;
let nowMs: number;
let forgotten: string[];
let kept: string[];
let erased: [string, number][];
let round: () => Promise<void>;
let rotateMasterKey: (keyId: string) => Promise<number>;

const newRound = (context = platform.api) => {
  const run = processManagerRound({
    context,
    keptApps: () => Promise.resolve(kept),
    forgetApp: (appId) => Promise.resolve(void forgotten.push(appId)),
    rotateMasterKey,
    forgetPerson: (userId, erasures) => Promise.resolve(void erased.push([userId, erasures])),
    now: () => nowMs,
  });
  return () => run(new AbortController().signal);
};

beforeEach(async () => {
  platform = await startTestPlatform();
  nowMs = 0;
  forgotten = [];
  kept = [];
  rotateMasterKey = () => Promise.resolve(3);
  erased = [];
  round = newRound();
  await platform.given('name', 'hello', reserveHello);
  await platform.given('app', 'a1', {
    type: 'CreateApp',
    appId: 'a1',
    name: 'hello',
    teamId: 't1',
  });
});
afterEach(() => platform.stop());

const reserveHello = { type: 'ReserveName', name: 'hello', appId: 'a1', teamId: 't1' } as const;

const request = (buildId: string) =>
  platform.given('app', 'a1', { type: 'RequestBuild', buildId, source: aSource });

const started = (buildId: string) =>
  platform.given('build', buildId, {
    type: 'StartBuild',
    buildId,
    appId: 'a1',
    sourceDigest: null,
  });

const succeeded = async (buildId: string) => {
  await started(buildId);
  await platform.given('build', buildId, {
    type: 'SucceedBuild',
    image: anImage,
    processes: { web: { command: null } },
    stack: 'node',
    durationMs: 1,
  });
};

const releases = () => platform.api.world.app('a1')?.releases.map((release) => release.buildId);

const streamOf = async (stream: `${'app' | 'name'}.${string}`) =>
  (await platform.api.log.read(stream)).map(({ commit }) => commit);

describe('a build that succeeded', () => {
  it('becomes a release, in the name and with the reason of who requested it', async () => {
    await request('b1');
    await succeeded('b1');
    await round();
    const stream = await streamOf('app.a1');
    const asked = stream.at(-2);
    expect(stream.at(-1)).toMatchObject({
      actor: ann,
      reason: 'why',
      correlation: asked?.correlation,
      causation: (await platform.api.log.read('build.b1')).at(-1)?.commit.id,
      events: [
        { type: 'ReleaseCreated', data: { version: 1, buildId: 'b1', cause: 'build' } },
        { type: 'FormationScaled', data: { formation: { web: 1 } } },
      ],
    });
  });

  it('becomes one release, however often and wherever the round runs', async () => {
    await request('b1');
    await succeeded('b1');
    await Promise.all([round(), newRound()(), newRound()()]);
    await round();
    expect(releases()).toEqual(['b1']);
    expect(await streamOf('app.a1')).toHaveLength(3);
  });

  it('is released in the order of requests', async () => {
    for (const id of ['b1', 'b2', 'b3']) await request(id);
    for (const id of ['b3', 'b1', 'b2']) await succeeded(id);
    await round();
    expect(releases()).toEqual(['b1', 'b2', 'b3']);
  });

  it('is passed over when a later request was released before it ended', async () => {
    await request('b1');
    await request('b2');
    await succeeded('b2');
    await round();
    await succeeded('b1');
    await round();
    expect(releases()).toEqual(['b2']);
  });

  it('makes no release when it failed, or when somebody wanted it cancelled', async () => {
    await request('b1');
    await started('b1');
    await platform.given('build', 'b1', { type: 'FailBuild', explanation: anExplanation });
    await request('b2');
    await platform.given('app', 'a1', { type: 'CancelBuild', buildId: 'b2' });
    await succeeded('b2');
    await round();
    expect(releases()).toEqual([]);
  });

  it('says that it was an image where no source was built', async () => {
    const source = { kind: 'image', ref: 'nginx:1' } as const;
    await platform.given('app', 'a1', { type: 'RequestBuild', buildId: 'b1', source });
    await succeeded('b1');
    await round();
    expect((await streamOf('app.a1')).at(-1)?.events[0]).toMatchObject({
      data: { cause: 'image' },
    });
  });

  it('is not released again when its release is no longer kept', async () => {
    await platform.given('app', 'a1', {
      type: 'ChangeSettings',
      changes: { releasesKept: 1 },
      baseVersion: null,
    });
    for (const id of ['b1', 'b2']) {
      await request(id);
      await succeeded(id);
      await round();
    }
    await platform.given('app', 'a1', { type: 'Restart', baseVersion: null });
    await round();
    expect(platform.api.world.app('a1')?.lastVersion).toBe(2);
  });
});

describe('a name that was reserved', () => {
  const reserve = () =>
    platform.given('name', 'late', {
      type: 'ReserveName',
      name: 'late',
      appId: 'a9',
      teamId: 't1',
    });

  it('gets its app when the request died half-way', async () => {
    await reserve();
    await round();
    expect(platform.api.world.app('a9')).toBeUndefined();
    nowMs += 10_000;
    await round();
    expect(platform.api.world.app('a9')).toMatchObject({ name: 'late', teamId: 't1' });
    expect((await streamOf('app.a9'))[0]).toMatchObject({ actor: ann, reason: 'why' });
  });
});

describe('a domain', () => {
  const host = 'www.example.com';
  const id = domainIdOf(host);
  const reserve = (appId = 'a1') =>
    platform.given('domain', id, { type: 'ReserveDomain', host, appId, teamId: 't1' });
  const stateOf = () => platform.api.world.get('domain', id).state;

  it('is given back when its app does not list it for a minute', async () => {
    await reserve();
    await round();
    nowMs += 59_999;
    await round();
    expect(stateOf().status).toBe('reserved');
    nowMs += 1;
    await round();
    expect(stateOf().status).toBe('free');
  });

  it('is kept while its app lists it', async () => {
    await reserve();
    await platform.given('app', 'a1', { type: 'AddDomain', host });
    await round();
    nowMs += 3_600_000;
    await round();
    expect(stateOf().status).toBe('reserved');
  });

  it('is reserved again when its app lists it and nobody holds it', async () => {
    await platform.given('app', 'a1', { type: 'AddDomain', host });
    await round();
    expect(stateOf()).toMatchObject({ status: 'reserved', appId: 'a1' });
  });

  it('is given up where a wildcard of another team stands for it, and nobody has to prove anything', async () => {
    const create = { type: 'CreateApp', appId: 'a2', name: 'other', teamId: 't2' } as const;
    await platform.given('app', 'a2', create);
    const wildcard = '*.example.com';
    const held = { type: 'ReserveDomain', host: wildcard, appId: 'a2', teamId: 't2' } as const;
    await platform.given('domain', domainIdOf(wildcard), held);
    await platform.given('app', 'a2', { type: 'AddDomain', host: wildcard });
    await platform.given('app', 'a1', { type: 'AddDomain', host });
    const open = { areDemanded: false, lapseDays: 7 };
    await newRound({ ...platform.api, config: { ...platform.api.config, domainChecks: open } })();
    expect(platform.api.world.app('a1')?.domains).toEqual([]);
    expect(platform.api.world.app('a2')?.domains).toEqual([wildcard]);
    expect(stateOf().status).toBe('free');
  });

  it('is to be proven then, too, where proofs are demanded', async () => {
    const domainChecks = { areDemanded: true, lapseDays: 7 };
    const demanding = newRound({
      ...platform.api,
      config: { ...platform.api.config, domainChecks },
    });
    await platform.given('app', 'a1', { type: 'AddDomain', host });
    await demanding();
    const until = new Date(nowMs + 7 * 24 * 3_600_000).toISOString();
    expect(stateOf()).toMatchObject({ appId: 'a1', proof: { status: 'pending', until } });
  });

  it('is given up by an app that lists it while another one holds it', async () => {
    await platform.given('app', 'a1', { type: 'AddDomain', host });
    await platform.given('name', 'other', { ...reserveHello, name: 'other', appId: 'a2' });
    const create = { type: 'CreateApp', appId: 'a2', name: 'other', teamId: 't1' } as const;
    await platform.given('app', 'a2', create);
    await reserve('a2');
    await platform.given('app', 'a2', { type: 'AddDomain', host });
    await round();
    expect(platform.api.world.app('a1')?.domains).toEqual([]);
    expect(platform.api.world.app('a2')?.domains).toEqual([host]);
  });
});

describe('an app that was destroyed', () => {
  it('gives back its name, domains and push tokens, and is forgotten outside the log', async () => {
    const host = 'www.example.com';
    const reserve = { type: 'ReserveDomain', host, appId: 'a1', teamId: 't1' } as const;
    await platform.given('domain', domainIdOf(host), reserve);
    await platform.given('app', 'a1', { type: 'AddDomain', host });
    const tokens = [
      ['push-a1', { kind: 'push', appId: 'a1' }],
      ['push-a2', { kind: 'push', appId: 'a2' }],
      ['user', { kind: 'user' }],
    ] as const;
    for (const [tokenId, scope] of tokens) {
      await platform.given('token', tokenId, {
        type: 'CreateToken',
        tokenId,
        userId: 'u1',
        name: tokenId,
        hash: hashOf(tokenId),
        scope,
        expiresAt: null,
      });
    }
    await round();
    await platform.given('app', 'a1', { type: 'DestroyApp', confirm: 'hello' });
    await round();
    await round();

    const { world } = platform.api;
    expect(world.get('name', 'hello').state.status).toBe('free');
    expect(world.get('domain', domainIdOf(host)).state.status).toBe('free');
    expect(tokens.map(([id]) => world.get('token', id).state.status)).toEqual([
      'revoked',
      'active',
      'active',
    ]);
    expect(forgotten).toEqual(['a1']);
  });

  it('is forgotten in the end, even if that fails at first, and holds nobody up', async () => {
    let failures = 1;
    const run = processManagerRound({
      context: platform.api,
      keptApps: () => Promise.resolve(kept),
      forgetApp: (appId) => {
        if (failures-- > 0) return Promise.reject(new Error('disk is busy'));
        forgotten.push(appId);
        return Promise.resolve();
      },
      rotateMasterKey,
      forgetPerson: () => Promise.resolve(),
      now: () => nowMs,
    });
    const { signal } = new AbortController();
    kept = ['a1'];
    await platform.given('app', 'a1', { type: 'DestroyApp', confirm: 'hello' });
    await expect(run(signal)).rejects.toThrow('carrying on what the log began');
    expect(platform.api.world.get('name', 'hello').state.status).toBe('free');
    await run(signal);
    expect(forgotten).toEqual(['a1']);
  });
});

describe('a process that starts', () => {
  it('forgets what is still kept of destroyed apps, and looks at no other', async () => {
    await platform.given('app', 'a1', { type: 'DestroyApp', confirm: 'hello' });
    const create = { type: 'CreateApp', appId: 'a2', name: 'other', teamId: 't1' } as const;
    await platform.given('app', 'a2', create);
    await round();
    expect(forgotten).toEqual([]);
    // As from a backup: what is another log's, or of an app that is there, is not touched.
    kept = ['a1', 'a2', 'stranger'];
    round = newRound();
    await round();
    await round();
    expect(forgotten).toEqual(['a1']);
  });
});

describe('a new master key', () => {
  const request = { type: 'RequestRotation', keyId: 'mk_2', previousKeyId: 'mk_1' } as const;

  it('that was asked for is made, whatever fails at first, and recorded for who asked', async () => {
    const asked: string[] = [];
    let failures = 1;
    rotateMasterKey = (keyId) => {
      asked.push(keyId);
      return failures-- > 0 ? Promise.reject(new Error('disk is busy')) : Promise.resolve(3);
    };
    round = newRound();
    await platform.given('keys', 'master', request);
    await expect(round()).rejects.toThrow('carrying on');
    // As after a crash: another process finds it in the log.
    await newRound()();
    await newRound()();
    expect(asked).toEqual(['mk_2', 'mk_2']);
    const commits = (await platform.api.log.read('keys.master')).map(({ commit }) => commit);
    expect(commits.map(({ events }) => events[0]?.data)).toEqual([
      { keyId: 'mk_2', previousKeyId: 'mk_1' },
      { keyId: 'mk_2', previousKeyId: 'mk_1', keys: 3 },
    ]);
    expect(commits[1]).toMatchObject({
      actor: { name: 'ann' },
      reason: 'why',
      causation: commits[0]?.id,
    });
  });
});

describe('a person whose data were erased', () => {
  it('loses the keys of before, once for each erasure, and again after a restart', async () => {
    const create = {
      type: 'CreateUser',
      userId: 'bob',
      name: 'bob',
      administrator: false,
    } as const;
    await platform.given('user', 'bob', create);
    await round();
    expect(erased).toEqual([]);
    await platform.given('user', 'bob', { type: 'ErasePerson' });
    await round();
    await round();
    expect(erased).toEqual([['bob', 1]]);
    await platform.given('user', 'bob', { type: 'ErasePerson' });
    await round();
    expect(erased).toEqual([
      ['bob', 1],
      ['bob', 2],
    ]);
    await newRound()();
    expect(erased).toHaveLength(3);
  });
});
