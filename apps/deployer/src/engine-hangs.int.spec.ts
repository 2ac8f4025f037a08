import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LABEL, connectEngine, ownedBy } from '@shiplog/engine';
import type { RunningProcess } from '@shiplog/runtime';
import { DockerContainerEngine } from './containers/docker-container-engine.js';
import { startReconciling } from './index.js';
import { busyboxImage } from './testing/busybox-image.js';
import { cleanUp } from './testing/clean-up.js';
import { EngineFaults } from './testing/engine-faults.js';
import { testPlatform, type TestPlatform } from './testing/test-platform.js';
import { waitFor } from './testing/wait-for.js';

const docker = connectEngine();
const CREATE = /^POST .*\/containers\/create/;
const START = /^POST .*\/containers\/\w+\/start/;
const STOP = /^POST .*\/containers\/\w+\/stop/;
const LIST = /^GET .*\/containers\/json/;
const INSPECT = /^GET .*\/containers\/\w+\/json/;
const ANSWER_WITHIN_MS = 1200;

describe('an engine that hangs', () => {
  let platform: TestPlatform;
  let deployer: RunningProcess;
  let engine: EngineFaults;
  let image: { id: string };

  const startOurs = (answerWithinMs: number): RunningProcess => {
    const client = connectEngine({ host: `unix://${engine.path}`, answerWithinMs });
    const adapter = new DockerContainerEngine(client, platform.config.platform, {
      listMs: answerWithinMs,
    });
    return startReconciling(platform.context(), adapter);
  };

  beforeAll(async () => {
    image = { id: await busyboxImage(docker) };
    engine = await EngineFaults.start();
    platform = await testPlatform({ from: 21_900, to: 21_939 });
    await platform.startRouter();
    deployer = startOurs(ANSWER_WITHIN_MS);
    const processes = { worker: { command: ['sleep', '100000'] } };
    for (const app of ['app', 'other']) {
      await platform.createApp(app, { graceSeconds: 0, drainSeconds: 0 });
      await platform.ended(await platform.deploy(app, { image, processes }));
    }
  });
  afterEach(() => engine.set());
  afterAll(async () => {
    await deployer.stop();
    await engine.end();
    await cleanUp(docker, platform.config.platform);
    await platform.end();
  });

  /** Instance ids of all its containers, those that never ran included: one made twice would be there twice. */
  const containersOf = async (app: string, all: boolean): Promise<(string | undefined)[]> => {
    const label = [...ownedBy(platform.config.platform).label, `${LABEL.app}=${app}`];
    const found = await docker.listContainers({ all, filters: { label } });
    return found.map(({ Labels }) => Labels[LABEL.instance]).toSorted();
  };
  const settled = async (app: string, count: number): Promise<void> => {
    await waitFor(
      `${count} instances of ${app}`,
      async () => {
        const open = platform.world.instancesOf(app);
        if (open.length !== count || open.some(({ status }) => status !== 'ready')) return false;
        const ids = open.map(({ instanceId }) => instanceId).toSorted();
        return JSON.stringify(await containersOf(app, false)) === JSON.stringify(ids);
      },
      30_000,
    );
    const ever = await containersOf(app, true);
    expect(new Set(ever).size).toBe(ever.length);
  };
  const scale = (app: string, worker: number) =>
    platform.app(app, { type: 'Scale', formation: { worker } });

  it('is given up and met again, whether the call was carried out or not', async () => {
    engine.set(
      { call: CREATE, times: 1, hangs: 'before' },
      { call: CREATE, times: 1, hangs: 'after' },
      { call: START, times: 1, hangs: 'before' },
      { call: START, times: 1, hangs: 'after' },
      { call: INSPECT, times: 2, hangs: 'before' },
    );
    await scale('app', 3);
    await settled('app', 3);
    expect(engine.left).toBe(0);
  });

  it('or breaks off in the middle of an answer is asked again, as when a stop hangs', async () => {
    engine.set(
      { call: STOP, times: 1, hangs: 'before' },
      ...[CREATE, INSPECT, LIST].map((call) => ({ call, times: 1, isCut: true })),
    );
    await scale('app', 1);
    await scale('other', 2);
    await settled('app', 1);
    await settled('other', 2);
    expect(engine.left).toBe(0);
  });

  it('at all work for one app keeps no other waiting, and goes on where it hung', async () => {
    await deployer.stop();
    deployer = startOurs(60_000);
    const [{ containerId } = { containerId: '' }] = platform.open('app');
    engine.set(
      { call: /create\?name=[^&]*-app-/, times: Infinity, hangs: 'before' },
      {
        call: new RegExp(`^GET .*/containers/${containerId}/json`),
        times: Infinity,
        hangs: 'before',
      },
    );
    await scale('app', 6);
    await scale('other', 3);
    await settled('other', 3);
    expect(await containersOf('app', true)).not.toHaveLength(6);
    engine.set();
    engine.letGo();
    await settled('app', 6);
  });
});
