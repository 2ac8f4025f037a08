import { afterEach, expect, it } from 'vitest';
import { LABEL } from '@shiplog/engine';
import { InMemoryContainerEngine, InMemoryHost } from '../containers/in-memory-container-engine.js';
import { Workbench } from '../containers/workbench.js';
import { EXCLUSIVE_VOLUME } from '../testing/exclusive-volume.js';
import { testPlatform } from '../testing/test-platform.js';
import { waitFor } from '../testing/wait-for.js';
import { engineNameOf } from './engine-volume.js';
import { VolumeKeeper } from './volume-keeper.js';

const APP = 'shop';
const NAME = 'p-shop-data';
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** An app with a volume of 1 GiB that was made, and a keeper that looks all the time. */
const kept = async ({ measureMs = 5, isThere = true, node = '' } = {}) => {
  const platform = await testPlatform({ from: 20_000, to: 20_001 });
  const host = new InMemoryHost();
  const engine = new InMemoryContainerEngine(host, platform.config.platform);
  const calls = { list: 0, remove: 0, usage: 0 };
  const { volumes } = engine;
  const counted = {
    list: () => {
      calls.list += 1;
      return volumes.list();
    },
    usage: () => {
      calls.usage += 1;
      return volumes.usage();
    },
    remove: (name: string) => {
      calls.remove += 1;
      return volumes.remove(name);
    },
  };
  Object.assign(engine, {
    volumes: { ensure: () => Promise.resolve(), ...counted },
  });
  const bench = new Workbench(platform.context(), engine, { onStepError: () => undefined });
  const keeper = new VolumeKeeper(bench, { lookMs: 5, measureMs });
  ends.push(platform.end, () => keeper.stop());
  ends.push(() => Promise.resolve(platform.feed.onBatch((batch) => keeper.take(batch))()));
  await platform.createApp(APP);
  await platform.app(APP, EXCLUSIVE_VOLUME);
  const labels = { [LABEL.platform]: platform.config.platform };
  if (isThere) host.volumes.set(NAME, { labels, bytes: 0 });
  const made = (volumeId: string, nodeId: string, engineName: string) =>
    bench.record(
      'volume',
      { id: volumeId, appId: APP },
      {
        ...{ type: 'RecordVolumeCreated', volumeId, appId: APP, name: 'data', nodeId },
        ...{ incarnation: 1, engineName },
      },
    );
  await made('vol_1', node || platform.config.nodeId, NAME);
  keeper.start();
  const types = async () => {
    const records = await platform.log.read('volume.vol_1');
    return records.flatMap(({ commit }) => commit.events.map(({ type }) => type));
  };
  const hold = (bytes: number) => host.volumes.set(NAME, { labels, bytes });
  const measured = (bytes: number) =>
    waitFor(`${bytes} to be counted`, () => keeper.usageOf('vol_1')?.usedBytes === bytes);
  return { platform, host, keeper, calls, made, types, hold, measured };
};

it('what is in a volume is counted, and being above the size is told once', async () => {
  const { types, hold, measured } = await kept();
  hold(1000);
  await measured(1000);
  hold(2 ** 30 + 1);
  await waitFor('it to be told', async () => (await types()).includes('VolumeAboveSize'));
  hold(2 ** 31);
  await measured(2 ** 31);
  hold(2000);
  await waitFor('the end of it', async () => (await types()).includes('VolumeWithinSize'));
  expect(await types()).toEqual(['VolumeCreated', 'VolumeAboveSize', 'VolumeWithinSize']);
});

it('an engine that does not answer has lost nothing; one that answers without it has', async () => {
  const { host, types, hold, calls } = await kept();
  host.isDown = true;
  host.volumes.delete(NAME);
  const before = calls.list;
  await waitFor('a look', () => calls.list > before);
  hold(0);
  host.isDown = false;
  expect(await types()).toEqual(['VolumeCreated']);
  host.volumes.delete(NAME);
  await waitFor('it to be missed', async () => (await types()).includes('VolumeMissing'));
  hold(0);
  await waitFor('it to be found', async () => (await types()).includes('VolumeFound'));
});

it('what is to be deleted is deleted when no container has it any more', async () => {
  const { platform, host, types, calls } = await kept();
  const spec = { mounts: [{ volume: NAME, path: '/data' }], labels: {} };
  const user = { id: 'c1', status: 'running', spec } as never;
  host.entries.set('c1', user);
  const confirm = { name: 'data', confirm: 'data', inUseBy: [] };
  await platform.app(APP, { type: 'RemoveVolume', ...confirm });
  await waitFor('a try', () => calls.remove > 0);
  expect(host.volumes.has(NAME)).toBe(true);
  host.entries.delete('c1');
  await waitFor('its end', async () => (await types()).includes('VolumeDeleted'));
  expect(host.volumes.has(NAME)).toBe(false);
  expect(platform.world.leftVolumes.all()).toEqual([]);
});

it('what another machine has is for its own keeper to delete', async () => {
  const { platform, made, types, calls } = await kept({ node: 'node-2' });
  const own = { volumeId: 'vol_2', name: 'own', path: '/own' };
  await platform.app(APP, { ...EXCLUSIVE_VOLUME, ...own });
  await made('vol_2', platform.config.nodeId, 'p-shop-own');
  for (const name of ['data', 'own'])
    await platform.app(APP, { type: 'RemoveVolume', name, confirm: name, inUseBy: [] });
  await waitFor('the end of its own', () => platform.world.leftVolumes.get('vol_2') === undefined);
  expect(await types()).toEqual(['VolumeCreated']);
  expect(calls.remove).toBe(2);
});

it('what was lost, and is back beside what took its place, is deleted with it', async () => {
  const { platform, host, types, hold } = await kept();
  host.volumes.delete(NAME);
  await waitFor('it to be missed', async () => (await types()).includes('VolumeMissing'));
  const again = { name: 'data', confirm: 'data', isMissing: true };
  await platform.app(APP, { type: 'RecreateVolume', ...again });
  hold(1000);
  const [first, second] = [1, 2].map((incarnation) =>
    engineNameOf(
      { volumeId: 'vol_1', name: 'data', incarnation },
      {
        platform: platform.config.platform,
        appId: APP,
        appName: platform.world.app(APP)?.name ?? '',
      },
    ),
  );
  const there = host.volumes.get(NAME);
  if (there === undefined || first === undefined || second === undefined) throw new Error('none');
  host.volumes.set(first, there).set(second, there);
  await platform.app(APP, { type: 'RemoveVolume', name: 'data', confirm: 'data', inUseBy: [] });
  await waitFor('its end', async () => (await types()).includes('VolumeDeleted'));
  expect([...host.volumes.keys()]).toEqual([]);
});

it('one that cannot be counted does not make the engine count more often', async () => {
  const { platform, calls, types } = await kept({ measureMs: 60_000, isThere: false });
  await waitFor('it to be missed', async () => (await types()).includes('VolumeMissing'));
  await waitFor('a count', () => calls.usage > 0);
  const [counts, lists] = [calls.usage, calls.list];
  await waitFor('more looks', () => calls.list > lists + 5);
  expect(calls.usage).toBe(counts);
  expect(platform.world.get('volume', 'vol_1').state.status).toBe('missing');
});

it('volumes of a destroyed app are kept until somebody names them', async () => {
  const { platform, host, types, measured } = await kept();
  await platform.app(APP, { type: 'DestroyApp', confirm: APP });
  expect(platform.world.leftVolumes.get('vol_1')).toMatchObject({ isRemoved: false });
  await measured(0);
  expect(host.volumes.has(NAME)).toBe(true);
  const actor = { kind: 'user', id: 'u1', name: 'ann' } as const;
  const { commands } = platform;
  const team = { type: 'CreateTeam', teamId: 'team1', name: 'Crew' } as const;
  await commands.handle('team', 'team1', team, { actor });
  const purge = { type: 'RemoveKeptVolume', appId: APP, volumeId: 'vol_1', name: 'data' } as const;
  await commands.handle('team', 'team1', purge, { actor });
  await waitFor('its end', async () => (await types()).includes('VolumeDeleted'));
  expect(host.volumes.has(NAME)).toBe(false);
});
