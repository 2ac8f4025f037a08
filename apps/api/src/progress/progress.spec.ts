import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startProcessManagers } from '../process-managers/index.js';
import { followProgress, type ProgressEvent, type ProgressTarget } from './index.js';
import {
  startFakeBuilder,
  startFakeDeployer,
  type FakeBuilderOptions,
} from './testing/fake-workers.js';
import {
  anExplanation,
  aSource,
  startTestPlatform,
  type TestPlatform,
} from './testing/platform.js';

let platform: TestPlatform;
let stops: { stop(): Promise<void> }[];

beforeEach(async () => {
  platform = await startTestPlatform();
  stops = [];
  await platform.given('app', 'a1', {
    type: 'CreateApp',
    appId: 'a1',
    name: 'hello',
    teamId: 't1',
  });
});
afterEach(async () => {
  for (const one of stops) await one.stop();
  await platform.stop();
});

const start = (
  options: FakeBuilderOptions & {
    lets?: (id: string) => boolean;
    letsVersion?: () => boolean;
  } = {},
) => {
  stops = [
    startProcessManagers({
      context: platform.api,
      keptApps: () => Promise.resolve([]),
      forgetApp: () => Promise.resolve(),
      rotateMasterKey: () => Promise.resolve(0),
      forgetPerson: () => Promise.resolve(),
    }),
    startFakeBuilder(platform.builder, options),
    startFakeDeployer(platform.deployer, { lets: options.letsVersion ?? (() => true) }),
  ];
};

const request = (buildId: string) =>
  platform.given('app', 'a1', { type: 'RequestBuild', buildId, source: aSource });

const follow = (target: ProgressTarget, signal = new AbortController().signal) =>
  followProgress(platform.api, 'a1', target, signal);

const all = async (events: AsyncIterable<ProgressEvent>) => {
  const seen: ProgressEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
};
const texts = (events: readonly ProgressEvent[], kind: ProgressEvent['kind']) =>
  events.filter((event) => event.kind === kind).map((event) => event.text);

const isLive = (version: number) => () =>
  platform.api.world.liveOf('a1')?.release.version === version;

describe('following a build', () => {
  it('tells its output once, its release and its rollout, and ends with the URL', async () => {
    await request('b1');
    start();
    const events = await all(follow({ build: 'b1' }));
    expect(texts(events, 'output')).toEqual(['installing', 'made b1']);
    expect(texts(events, 'step')).toEqual([
      'building the uploaded source',
      'build succeeded: 12.3 MB',
      'release v1 created',
      'rolling out v1',
      'web i_a1_1: scheduled on port 21000',
      'web i_a1_1: started',
      'web i_a1_1: ready',
    ]);
    expect(events.at(-1)).toMatchObject({
      kind: 'done',
      text: 'hello v1 is live at http://hello.localhost:5880/',
      url: 'http://hello.localhost:5880/',
      version: 1,
      deployId: 'a1-g1',
    });
  });

  it('tells the same to who comes when all is over, but for steps that are history', async () => {
    await request('b1');
    start();
    await platform.until(isLive(1), 'v1 is live');
    const events = await all(follow({ build: 'b1' }));
    expect(texts(events, 'output')).toEqual(['installing', 'made b1']);
    expect(events.at(-1)).toMatchObject({ kind: 'done', version: 1 });
  });

  it('tells the steps that a running rollout has taken to who comes late', async () => {
    await request('b1');
    let isLet = false;
    start({ letsVersion: () => isLet });
    await platform.until(() => platform.api.world.instancesOf('a1').length === 1, 'scheduled');
    const steps: string[] = [];
    for await (const { text, kind } of follow({ build: 'b1' })) {
      if (kind === 'step') steps.push(text);
      if (text.includes('scheduled')) isLet = true;
    }
    expect(steps.slice(-4)).toEqual([
      'rolling out v1',
      'web i_a1_1: scheduled on port 21000',
      'web i_a1_1: started',
      'web i_a1_1: ready',
    ]);
  });

  it('ends with the explanation when the build failed', async () => {
    await request('b1');
    start({ succeeds: () => false });
    const events = await all(follow({ build: 'b1' }));
    expect(events.at(-1)).toMatchObject({
      kind: 'failed',
      text: 'npm run build ended with exit code 1',
      explanation: anExplanation,
      buildId: 'b1',
    });
  });

  it('ends clearly when the build was cancelled, before or while it ran', async () => {
    await request('b1');
    await platform.given('app', 'a1', { type: 'CancelBuild', buildId: 'b1' });
    expect((await all(follow({ build: 'b1' }))).at(-1)).toMatchObject({
      kind: 'failed',
      text: 'the build was cancelled',
    });
    start({ lets: () => false });
    await request('b2');
    const following = all(follow({ build: 'b2' }));
    await platform.until(
      () => platform.api.world.get('build', 'b2').state.status === 'running',
      'b2 runs',
    );
    await platform.given('app', 'a1', { type: 'CancelBuild', buildId: 'b2' });
    expect((await following).at(-1)).toMatchObject({ text: 'the build was cancelled' });
  });

  it('ends clearly when a later build was released first', async () => {
    await request('b1');
    await request('b2');
    let lets: (id: string) => boolean = (id) => id === 'b2';
    start({ lets: (id) => lets(id) });
    const following = all(follow({ build: 'b1' }));
    await platform.until(isLive(1), 'b2 is live');
    lets = () => true;
    await platform.given('app', 'a1', { type: 'Scale', formation: { web: 2 } });
    expect((await following).at(-1)).toMatchObject({
      kind: 'failed',
      explanation: { code: 'superseded' },
    });
  });

  it('says that a build is unknown', async () => {
    expect(await all(follow({ build: 'nothing' }))).toMatchObject([
      { kind: 'failed', explanation: { code: 'build-not-found' } },
    ]);
  });

  it('ends when nobody wants to know any more', async () => {
    await request('b1');
    const abort = new AbortController();
    const following = all(follow({ build: 'b1' }, abort.signal));
    abort.abort();
    expect(texts(await following, 'done')).toEqual([]);
  });
});

describe('following a deploy', () => {
  const failed = { ...anExplanation, code: 'not-listening', summary: 'nothing listens on 8080' };

  it('ends with the explanation when it failed, also for who asks later', async () => {
    await request('b1');
    start({ letsVersion: () => false });
    await platform.until(
      () => platform.api.world.get('rollout', 'a1-g1').state.status === 'running',
      'the rollout runs',
    );
    const following = all(follow({ deploy: 'a1-g1' }));
    await platform.given('rollout', 'a1-g1', { type: 'FailRollout', explanation: failed });
    expect((await following).at(-1)).toMatchObject({ kind: 'failed', text: failed.summary });
    expect(await all(follow({ deploy: 'a1-g1' }))).toMatchObject([
      { kind: 'failed', explanation: { code: 'not-listening' }, version: 1, deployId: 'a1-g1' },
    ]);
  });

  it('ends clearly when a newer one superseded it', async () => {
    await request('b1');
    start({ letsVersion: () => false });
    await platform.until(
      () => platform.api.world.get('rollout', 'a1-g1').state.status === 'running',
      'the rollout runs',
    );
    const following = all(follow({ deploy: 'a1-g1' }));
    await request('b2');
    expect((await following).at(-1)).toMatchObject({
      kind: 'failed',
      text: 'v1 was superseded by v2',
    });
  });

  it('says that a deploy is unknown', async () => {
    for (const deploy of ['a1-g7', 'a2-g1', 'x', 'a1-g']) {
      expect(await all(follow({ deploy }))).toMatchObject([
        { kind: 'failed', explanation: { code: 'deploy-not-found' } },
      ]);
    }
  });
});

describe('following a change until it is so', () => {
  const liveV1 = async () => {
    await request('b1');
    start();
    await platform.until(isLive(1), 'v1 is live');
    for (const one of stops) await one.stop();
    stops = [];
    await platform.given('router', 'r1', { type: 'StartRouter', routerId: 'r1', kind: 'haproxy' });
    await routed(['i_a1_1']);
  };
  const routed = (ids: string[]) =>
    platform.given('router', 'r1', {
      type: 'RecordRoutes',
      position: platform.api.world.position,
      routed: ids,
      unrouted: [],
      drained: [],
    });

  it('waits for every wanted instance to be ready and routed', async () => {
    await liveV1();
    const position = await platform.given('app', 'a1', { type: 'Scale', formation: { web: 2 } });
    const following = all(follow({ settled: position }));
    await platform.given('instance', 'i2', {
      type: 'ScheduleInstance',
      instanceId: 'i2',
      appId: 'a1',
      process: 'web',
      version: 1,
      generation: 1,
      nodeId: 'node-1',
      port: 21_001,
      containerPort: 8080,
    });
    const startedAs = { type: 'RecordStarted', containerId: 'd'.repeat(64), restarts: 0 } as const;
    await platform.given('instance', 'i2', startedAs);
    await platform.given('instance', 'i2', { type: 'RecordReady' });
    await routed(['i2']);
    const events = await following;
    expect(texts(events, 'step')).toEqual([
      'web i2: scheduled on port 21001',
      'web i2: started',
      'web i2: ready',
      'web i2: takes requests',
    ]);
    expect(events.at(-1)).toMatchObject({ kind: 'done', text: 'hello: web=2' });
  });

  it('waits for surplus instances to be gone', async () => {
    await liveV1();
    const position = await platform.given('app', 'a1', { type: 'StopApp' });
    const following = all(follow({ settled: position }));
    await platform.given('instance', 'i_a1_1', { type: 'RetireInstance', reason: 'stopped' });
    await platform.given('instance', 'i_a1_1', {
      type: 'RecordStopped',
      exitCode: 0,
      killed: false,
    });
    const events = await following;
    expect(texts(events, 'step')).toEqual(['web i_a1_1: retired (stopped)', 'web i_a1_1: stopped']);
    expect(events.at(-1)).toMatchObject({ kind: 'done', text: 'hello: stopped' });
    expect(events.at(-1)).not.toHaveProperty('url');
  });

  it('is the rollout of the generation that the change made', async () => {
    await liveV1();
    const position = await platform.given('app', 'a1', { type: 'Restart', baseVersion: 1 });
    const following = all(follow({ settled: position }));
    stops = [startFakeDeployer(platform.deployer)];
    expect((await following).at(-1)).toMatchObject({ kind: 'done', deployId: 'a1-g2', version: 1 });
  });

  it('is done at once before anything was deployed', async () => {
    const position = await platform.given('app', 'a1', {
      type: 'ChangeConfig',
      set: { KEY: 'enc1.a.b.c' },
      unset: [],
      baseVersion: null,
    });
    expect(await all(follow({ settled: position }))).toMatchObject([
      { kind: 'done', text: 'hello: nothing is deployed yet' },
    ]);
  });

  it('fails when it takes too long, and says what is missing', async () => {
    await liveV1();
    const position = await platform.given('app', 'a1', { type: 'Scale', formation: { web: 2 } });
    let nowMs = 0;
    const sources = { ...platform.api, now: () => (nowMs += 200_000) };
    const events = await all(
      followProgress(sources, 'a1', { settled: position }, new AbortController().signal),
    );
    expect(events.at(-1)).toMatchObject({
      kind: 'failed',
      text: 'not there yet after 360 s: 1 of 2 web ready',
      explanation: { code: 'not-settled' },
    });
  });
});
