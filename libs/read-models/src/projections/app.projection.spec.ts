import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '@shiplog/domain';
import { ANN, asProcess, BOB, RecordedPlatform } from '../testing/index.js';
import { documentsOf } from '../testing/documents-of.js';
import { imageOf } from '../testing/values.js';

const DEPLOYER = { actor: asProcess('deployer') };
const secret = (text: string): string => `enc1.aXY.dGFn.${text}`;

const createdApp = async (): Promise<RecordedPlatform> => {
  const platform = await RecordedPlatform.start();
  await platform.do('app', 'a1', { type: 'CreateApp', appId: 'a1', name: 'hello', teamId: 't1' });
  return platform;
};

const release = (platform: RecordedPlatform, buildId: string): Promise<void> =>
  platform.do('app', 'a1', {
    type: 'CreateRelease',
    image: imageOf(buildId),
    buildId,
    processes: { web: { command: null } },
    cause: 'build',
    liveVersion: null,
  });

const startRollout = (platform: RecordedPlatform, generation: number): Promise<void> =>
  platform.do(
    'rollout',
    `a1-g${generation}`,
    {
      type: 'StartRollout',
      rolloutId: `a1-g${generation}`,
      appId: 'a1',
      generation,
      version: generation,
      fromVersion: null,
      deadline: '2026-12-01T00:00:00.000Z',
    },
    DEPLOYER,
  );

describe('the apps model', () => {
  it('has a new app with nothing deployed and the default settings', async () => {
    const platform = await createdApp();
    expect(await (await documentsOf(platform)).app('a1')).toMatchObject({
      appId: 'a1',
      name: 'hello',
      teamId: 't1',
      status: 'active',
      stopped: false,
      formation: {},
      settings: DEFAULT_SETTINGS,
      config: {},
      liveVersion: null,
      targetVersion: null,
      createdBy: 'ann',
      revision: await platform.log.head(),
    });
  });

  it('follows config, settings, formation and stops, and says who changed it last', async () => {
    const platform = await createdApp();
    await release(platform, 'b1');
    const set = { B: secret('2'), A: secret('1') };
    await platform.do('app', 'a1', { type: 'ChangeConfig', set, unset: [], baseVersion: null });
    await platform.do('app', 'a1', {
      type: 'ChangeConfig',
      set: {},
      unset: ['B'],
      baseVersion: null,
    });
    const changes = { drainSeconds: 5 };
    await platform.do('app', 'a1', { type: 'ChangeSettings', changes, baseVersion: null });
    await platform.do('app', 'a1', { type: 'Scale', formation: { web: 3 } });
    await platform.do('app', 'a1', { type: 'AddDomain', host: 'www.example.com' });
    await platform.do('app', 'a1', { type: 'StopApp' }, { actor: BOB });
    expect(await (await documentsOf(platform)).app('a1')).toMatchObject({
      config: { A: secret('1') },
      settings: { ...DEFAULT_SETTINGS, drainSeconds: 5 },
      formation: { web: 3 },
      domains: ['www.example.com'],
      stopped: true,
      createdBy: 'ann',
      updatedBy: 'bob',
      revision: await platform.log.head(),
    });
  });

  it('knows what serves and what is on its way, and keeps its revision when facts come in', async () => {
    const platform = await createdApp();
    await release(platform, 'b1');
    const revision = await platform.log.head();
    expect(await (await documentsOf(platform)).app('a1')).toMatchObject({
      liveVersion: null,
      targetVersion: 1,
      generation: 1,
    });
    await startRollout(platform, 1);
    await platform.do('rollout', 'a1-g1', { type: 'CompleteRollout' }, DEPLOYER);
    expect(await (await documentsOf(platform)).app('a1')).toMatchObject({
      liveVersion: 1,
      liveGeneration: 1,
      targetVersion: null,
      revision,
    });
  });

  it('keeps the newer target when an older rollout ends', async () => {
    const platform = await createdApp();
    await release(platform, 'b1');
    await startRollout(platform, 1);
    await release(platform, 'b2');
    const cancel = { type: 'CancelRollout', cause: 'superseded' } as const;
    await platform.do('rollout', 'a1-g1', cancel, DEPLOYER);
    expect(await (await documentsOf(platform)).app('a1')).toMatchObject({
      liveVersion: null,
      targetVersion: 2,
    });
  });

  it('finds the app that has the name now, and lists the destroyed one only when asked', async () => {
    const platform = await createdApp();
    await platform.do('app', 'a1', { type: 'DestroyApp', confirm: 'hello' }, { actor: ANN });
    await platform.do('app', 'a2', { type: 'CreateApp', appId: 'a2', name: 'hello', teamId: 't1' });
    const models = await documentsOf(platform);
    expect(await models.appByName('hello')).toMatchObject({ appId: 'a2' });
    expect((await models.apps()).map(({ appId }) => appId)).toEqual(['a2']);
    expect((await models.apps({ status: 'any' })).map(({ appId }) => appId)).toEqual(['a2', 'a1']);
    expect(await models.app('a1')).toMatchObject({ status: 'destroyed', config: {}, domains: [] });
  });
});
