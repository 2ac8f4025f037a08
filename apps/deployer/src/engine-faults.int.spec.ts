import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LABEL, connectEngine, ownedBy } from '@shiplog/engine';
import type { RunningProcess } from '@shiplog/runtime';
import { startDeployer } from './index.js';
import { busyboxImage } from './testing/busybox-image.js';
import { cleanUp } from './testing/clean-up.js';
import { EngineFaults, type EngineFault } from './testing/engine-faults.js';
import { testPlatform, type TestPlatform } from './testing/test-platform.js';
import { waitFor } from './testing/wait-for.js';

const docker = connectEngine();
const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const CREATE = /^POST .*\/containers\/create/;
const START = /^POST .*\/containers\/\w+\/start/;
const LIST = /^GET .*\/containers\/json/;
const STOP = /^POST .*\/containers\/\w+\/stop/;

describe('calls to the engine that go wrong', () => {
  let platform: TestPlatform;
  let deployer: RunningProcess;
  let engine: EngineFaults;
  let image: { id: string };
  /** Of another platform; of a log that nobody here has; of nobody. */
  const strangers: string[] = [];

  const startOurs = () =>
    startDeployer({
      ...platform.context(),
      config: { ...platform.config, engine: `unix://${engine.path}` },
    });
  const putStranger = async (labels: Record<string, string>, name?: string): Promise<string> => {
    const options = { Image: image.id, Labels: labels, ...(name === undefined ? {} : { name }) };
    const container = await docker.createContainer(options);
    await container.start();
    strangers.push(container.id);
    return container.id;
  };

  beforeAll(async () => {
    image = { id: await busyboxImage(docker) };
    engine = await EngineFaults.start();
    platform = await testPlatform({ from: 21_860, to: 21_899 });
    await platform.startRouter();
    await putStranger({ [LABEL.platform]: 'somebody-else', [LABEL.instance]: 'web-1' });
    await putStranger({ [LABEL.platform]: platform.config.platform, [LABEL.instance]: 'web-x' });
    await putStranger({});
    deployer = await startOurs();
    await platform.createApp('app', { graceSeconds: 0, drainSeconds: 0 });
    const processes = { worker: { command: ['sleep', '100000'] } };
    await platform.ended(await platform.deploy('app', { image, processes }));
  });
  afterAll(async () => {
    await deployer.stop();
    await engine.end();
    for (const id of strangers) await docker.getContainer(id).remove({ force: true });
    await cleanUp(docker, platform.config.platform);
    await platform.end();
  });

  /** Instance ids of what runs for the app. */
  const running = async (): Promise<(string | undefined)[]> => {
    const label = [...ownedBy(platform.config.platform).label, `${LABEL.app}=app`];
    const found = await docker.listContainers({ filters: { label } });
    return found.map(({ Labels }) => Labels[LABEL.instance]).toSorted();
  };
  /** As wanted, each once, and nothing else. */
  const settled = (count: number) =>
    waitFor(
      `${count} instances`,
      async () => {
        const open = platform.world.instancesOf('app');
        if (open.length !== count || open.some(({ status }) => status !== 'ready')) return false;
        const ids = open.map(({ instanceId }) => instanceId).toSorted();
        return JSON.stringify(await running()) === JSON.stringify(ids);
      },
      30_000,
    );
  const scale = async (worker: number) => {
    await platform.app('app', { type: 'Scale', formation: { worker } });
    await settled(worker);
  };

  const refuse = (status: number, message: string): EngineFault['refuse'] => ({ status, message });
  const nameTaken = (path: string) => {
    const name = new URL(path, 'http://engine').searchParams.get('name') ?? '';
    return putStranger({}, name);
  };

  it.each<[string, EngineFault]>([
    ['the answer to a create is lost', { call: CREATE, times: 1, isLost: true }],
    ['the answer to a start is lost', { call: START, times: 1, isLost: true }],
    ['creates fail', { call: CREATE, times: 2, refuse: refuse(500, 'no space left on device') }],
    ['a start is slow', { call: START, times: 1, before: () => after(800) }],
    [
      'the image has vanished for a while',
      { call: CREATE, times: 1, refuse: refuse(404, 'No such image: x') },
    ],
    [
      'a port is taken',
      {
        call: START,
        times: 1,
        refuse: refuse(500, 'Bind for 127.0.0.1:1 failed: port is already allocated'),
      },
    ],
    ['the name is taken by a container of somebody', { call: CREATE, times: 1, before: nameTaken }],
    ['the list fails', { call: LIST, times: 2, refuse: refuse(500, 'no') }],
    ['an inspection is lost', { call: /^GET .*\/containers\/\w+\/json/, times: 1, isLost: true }],
  ])('are made up for: %s', async (_, fault) => {
    engine.set(fault);
    if (fault.call === LIST) {
      // A start reads it.
      await deployer.stop();
      deployer = await startOurs();
    }
    await scale(platform.open('app').length + 1);
    expect(engine.left).toBe(0);
  });

  it('are made up for: the answer to a stop is lost', async () => {
    engine.set({ call: STOP, times: 1, isLost: true });
    await scale(1);
    expect(engine.left).toBe(0);
  });

  it('leave what somebody did by hand to be put right: renamed, stopped, removed', async () => {
    await scale(3);
    const [renamed, stopped, removed] = platform.open('app').map(({ containerId }) => containerId);
    const renamedTo = `${platform.config.platform}-by-hand`;
    await docker.getContainer(renamed ?? '').rename({ name: renamedTo });
    await docker.getContainer(stopped ?? '').stop({ t: 0 });
    await docker.getContainer(removed ?? '').remove({ force: true });
    await waitFor('the removed one to be given up', () =>
      platform.open('app').every(({ containerId }) => containerId !== removed),
    );
    await settled(3);
    const open = platform.open('app').map(({ containerId }) => containerId);
    expect(open).toEqual(expect.arrayContaining([renamed, stopped]));
  });

  it('come back together with the host: everything ended, engine and deployer too', async () => {
    await deployer.stop();
    const before = platform.open('app').map(({ instanceId }) => instanceId);
    engine.set({ call: /^GET /, times: 3, refuse: refuse(503, 'the daemon is starting') });
    for (const { containerId } of platform.open('app'))
      await docker.getContainer(containerId ?? '').kill();
    deployer = await startOurs();
    await settled(3);
    expect(platform.open('app').map(({ instanceId }) => instanceId)).toEqual(before);
  });

  it('never touch what belongs to others', async () => {
    expect(strangers.length).toBeGreaterThan(3);
    for (const id of strangers) {
      const { State, RestartCount } = await docker.getContainer(id).inspect();
      expect(State.Running).toBe(true);
      expect(RestartCount).toBe(0);
    }
  });
});
