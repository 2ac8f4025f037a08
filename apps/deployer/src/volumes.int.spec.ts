import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LABEL, connectEngine, ownedBy } from '@shiplog/engine';
import type { RunningProcess } from '@shiplog/runtime';
import { startDeployer } from './index.js';
import { busyboxImage } from './testing/busybox-image.js';
import { cleanUp } from './testing/clean-up.js';
import { testPlatform, type TestPlatform } from './testing/test-platform.js';
import { waitFor } from './testing/wait-for.js';

const docker = connectEngine();
/** Writes who it is into its volume, and what it found there onto its output. */
const worker = {
  command: ['sh', '-c', 'echo $SHIPLOG_RELEASE >> /data/log; cat /data/log; exec sleep 100000'],
};
const APP = 'keeper';

let platform: TestPlatform;
let deployer: RunningProcess;
let image: { id: string };
beforeAll(async () => {
  image = { id: await busyboxImage(docker) };
  platform = await testPlatform({ from: 22_700, to: 22_799 });
  await platform.startRouter();
  deployer = await startDeployer(platform.context());
});
afterAll(async () => {
  await deployer.stop();
  await cleanUp(docker, platform.config.platform);
  await platform.end();
});

const instances = async () => {
  const filters = ownedBy(platform.config.platform, LABEL.instance);
  const all = await docker.listContainers({ all: true, filters });
  const found = await Promise.all(all.map(({ Id }) => docker.getContainer(Id).inspect()));
  return found.toSorted((a, b) => (a.Created < b.Created ? -1 : 1));
};
const output = async (): Promise<string> => {
  const newest = (await instances()).at(-1);
  const bytes = await docker.getContainer(newest?.Id ?? '').logs({ stdout: true });
  return bytes.toString('utf8').replaceAll(/[^v\d]/g, '');
};
const volumes = async (): Promise<string[]> => {
  const { Volumes } = await docker.listVolumes({ filters: ownedBy(platform.config.platform) });
  return ((Volumes as typeof Volumes | null) ?? []).map(({ Name }) => Name);
};
const ready = () =>
  waitFor('the one instance', () => {
    const open = platform.open(APP);
    return open.length === 1 && open.every(({ status }) => status === 'ready');
  });
const volumeState = () => platform.world.get('volume', 'vol_1').state.status;
const volume = {
  ...{ name: 'data', path: '/data', processes: ['worker'] },
  ...{ shared: false, sizeBytes: 2 ** 30 },
};

it('what is in a volume outlives releases and rollbacks, and no two instances have it', async () => {
  await platform.createApp(APP);
  await platform.app(APP, { type: 'AddVolume', volumeId: 'vol_1', ...volume, baseVersion: null });
  await platform.app(APP, {
    ...{ type: 'ChangeConfig', unset: [], baseVersion: null },
    set: { PASSWORD: await platform.keyring.encrypt(APP, 'correct horse battery') },
  });
  await platform.ended(await platform.deploy(APP, { image, processes: { worker } }));
  await platform.app(APP, { type: 'Scale', formation: { worker: 1 } });
  await ready();
  const second = await platform.deploy(APP, { image, processes: { worker } });
  expect(await platform.ended(second)).toMatchObject({ status: 'completed' });
  await platform.app(APP, { type: 'RollBack', version: 1, liveVersion: 2 });
  await waitFor('the way back', () => platform.world.liveOf(APP)?.release.version === 3);
  await ready();
  expect(await output()).toBe('v1v2v3');
  const lives = (await instances()).map(({ State }) => State);
  expect(lives).toHaveLength(3);
  for (const [i, { StartedAt }] of lives.entries()) {
    if (i > 0) expect(lives[i - 1]?.FinishedAt.localeCompare(StartedAt)).toBe(-1);
  }
  expect(await volumes()).toHaveLength(1);
});

describe('before it is backed up, a command', () => {
  const SECRET = 'correct horse battery';
  const run = async (command: string[], timeoutSeconds = 20) => {
    const bus = platform.bus();
    const [engineName = ''] = await volumes();
    const input = { appId: APP, engineName, hook: { command, timeoutSeconds } };
    try {
      return await bus.request('deployer', 'backup-hook', input, { timeoutMs: 30_000 });
    } finally {
      await bus.close();
    }
  };
  const ranIn = () => platform.open(APP)[0]?.instanceId;

  it('runs in an instance that has it, and is told with its exit code and its last lines', async () => {
    expect(await run(['sh', '-c', 'echo dumped > /data/dump; echo done'])).toEqual({
      ...{ ranIn: ranIn(), outcome: 'succeeded', exitCode: 0, said: 'done' },
    });
    expect(await run(['sh', '-c', 'test "$(cat /data/dump)" = dumped'])).toMatchObject({
      exitCode: 0,
    });
    const script =
      'n=0; while test $n -lt 5000; do n=$((n+1)); echo $n; done; echo "$PASSWORD"; echo disk full >&2; exit 7';
    const failed = await run(['sh', '-c', script]);
    expect(failed).toMatchObject({ ranIn: ranIn(), outcome: 'failed', exitCode: 7 });
    const { said } = failed as { said: string };
    expect(said).toContain('5000\n[redacted PASSWORD]\ndisk full');
    expect(said).not.toContain(SECRET);
  });

  it('is ended at its deadline, and one that is not in the image is told', async () => {
    expect(await run(['sh', '-c', 'echo begun; exec sleep 1000'], 1)).toEqual({
      ...{ ranIn: ranIn(), outcome: 'timed-out', exitCode: null, said: 'begun' },
    });
    expect(await run(['pg_dump'])).toMatchObject({
      ...{ ranIn: null, outcome: 'not-run', said: expect.stringContaining('pg_dump') as string },
    });
  });
});

it('one that somebody removed is told, starts nothing, and is made anew only on demand', async () => {
  await platform.app(APP, { type: 'StopApp' });
  await waitFor('the stop', () => platform.world.instancesOf(APP).length === 0);
  for (const { Id } of await instances()) await docker.getContainer(Id).remove();
  for (const name of await volumes()) await docker.getVolume(name).remove();
  await platform.app(APP, { type: 'StartApp' });
  await waitFor('that it is missed', () => volumeState() === 'missing');
  expect(await instances()).toEqual([]);
  expect(await volumes()).toEqual([]);
  const recreate = { type: 'RecreateVolume', name: 'data', confirm: 'data' } as const;
  await platform.app(APP, { ...recreate, isMissing: true });
  await ready();
  expect(volumeState()).toBe('created');
  expect(await output()).toBe('v3');
});

it('one that is removed goes with the containers that had it', async () => {
  const remove = { type: 'RemoveVolume', name: 'data', confirm: 'data', inUseBy: [] } as const;
  expect(await platform.app(APP, remove)).toMatchObject({ outcome: 'rejected' });
  await platform.app(APP, { type: 'StopApp' });
  await waitFor('the stop', () => platform.world.instancesOf(APP).length === 0);
  await platform.app(APP, remove);
  await waitFor('its end', () => platform.world.leftVolumes.get('vol_1') === undefined);
  expect(await volumes()).toEqual([]);
});
