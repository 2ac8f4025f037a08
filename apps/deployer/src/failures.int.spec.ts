import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine } from '@shiplog/engine';
import type { ProcessSpec, Settings } from '@shiplog/events';
import type { RunningProcess } from '@shiplog/runtime';
import { startDeployer } from './index.js';
import { busyboxImage } from './testing/busybox-image.js';
import { cleanUp } from './testing/clean-up.js';
import { testPlatform, type TestPlatform } from './testing/test-platform.js';
import { waitFor } from './testing/wait-for.js';

const docker = connectEngine();
const listenOn = (address: string): ProcessSpec => ({
  command: ['httpd', '-f', '-p', address, '-h', '/www'],
});

describe('a deploy that fails explains itself', () => {
  let platform: TestPlatform;
  let deployer: RunningProcess;
  let image: { id: string };

  beforeAll(async () => {
    image = { id: await busyboxImage(docker) };
    platform = await testPlatform({ from: 21_200, to: 21_399 });
    await platform.startRouter();
    deployer = await startDeployer(platform.context());
  });
  afterAll(async () => {
    await deployer.stop();
    await cleanUp(docker, platform.config.platform);
    await platform.end();
  });

  /** Deploys a first release and returns why it failed. */
  const explanationOf = async (
    appId: string,
    web: ProcessSpec,
    settings: Partial<Settings> = {},
  ) => {
    // On a busy machine a program is not begun within two seconds, and what it does wrong is not seen yet.
    await platform.createApp(appId, { startTimeoutSeconds: 5, ...settings });
    const rolloutId = await platform.deploy(appId, { image, processes: { web } });
    const state = await platform.ended(rolloutId);
    if (state.status !== 'failed') throw new Error(`rollout ${state.status}`);
    await waitFor(
      'everything of it to be gone',
      () => platform.world.instancesOf(appId).length === 0,
    );
    return state.explanation;
  };

  it('that listens on loopback only', async () => {
    expect(await explanationOf('loop', listenOn('127.0.0.1:8080'))).toMatchObject({
      code: 'wrong-address',
      summary: 'listens on 127.0.0.1:8080; bind 0.0.0.0',
      listening: ['127.0.0.1:8080'],
    });
  });

  it('that listens on another port', async () => {
    expect(await explanationOf('otherport', listenOn('0.0.0.0:3000'))).toMatchObject({
      code: 'wrong-port',
      summary: 'listens on 0.0.0.0:3000; set --port 3000 or use $PORT',
    });
  });

  it('that listens on another port of loopback', async () => {
    expect(await explanationOf('loopother', listenOn('127.0.0.1:3000'))).toMatchObject({
      code: 'wrong-address',
      summary: 'listens on 127.0.0.1:3000; bind 0.0.0.0 or set --port',
    });
  });

  it('that listens on nothing', async () => {
    expect(
      await explanationOf('silent', { command: ['sh', '-c', 'echo waiting; sleep 1000'] }),
    ).toMatchObject({ code: 'not-listening', logLines: ['waiting'] });
  });

  it('whose health path answers 404', async () => {
    expect(
      await explanationOf('unhealthy', listenOn('0.0.0.0:8080'), { healthPath: '/ready' }),
    ).toMatchObject({
      code: 'unhealthy',
      summary: expect.stringContaining('HTTP 404 to GET /ready') as string,
    });
  });

  it('that runs out of memory', async () => {
    // The engine begins to listen for that when the program runs already: one that is faster is said to be killed.
    const eat = 'sleep 1; x=0123456789; while true; do x=$x$x; done';
    expect(
      await explanationOf(
        'greedy',
        { command: ['sh', '-c', eat] },
        { memoryBytes: 12 * 1024 * 1024 },
      ),
    ).toMatchObject({
      code: 'out-of-memory',
      oomKilled: true,
      summary: expect.stringContaining('12 MB') as string,
    });
  });

  it('whose command does not exist', async () => {
    expect(await explanationOf('nocmd', { command: ['/no/such/server'] })).toMatchObject({
      code: 'no-such-executable',
    });
  });

  it('whose command is not executable', async () => {
    expect(await explanationOf('noexec', { command: ['/bin/not-executable'] })).toMatchObject({
      code: 'not-executable',
    });
  });

  it('that ends by itself', async () => {
    expect(await explanationOf('ends', { command: ['true'] })).toMatchObject({
      code: 'exited',
      exitCode: 0,
    });
  });

  it('whose image is not here, at its deadline', async () => {
    await platform.createApp('noimage', { rolloutTimeoutSeconds: 5 });
    const rolloutId = await platform.deploy('noimage', {
      image: { id: `sha256:${'0'.repeat(64)}` },
      processes: { web: listenOn('0.0.0.0:8080') },
    });
    expect(await platform.ended(rolloutId)).toMatchObject({
      status: 'failed',
      explanation: { code: 'image-missing' },
    });
  });

  it('ends when it is cancelled, and when a newer one comes', async () => {
    await platform.createApp('slow');
    const web = { command: ['sleep', '1000'] };
    const first = await platform.deploy('slow', { image, processes: { web } });
    await waitFor('its instance to start', () => platform.open('slow')[0]?.status === 'starting');
    const second = await platform.deploy('slow', { image, processes: { web } });
    expect(await platform.ended(first)).toMatchObject({ status: 'cancelled', cause: 'superseded' });
    await waitFor('the second one', () => platform.rollout(second).status === 'running');
    await platform.app('slow', { type: 'CancelRollout', rolloutId: second });
    expect(await platform.ended(second)).toMatchObject({ status: 'cancelled', cause: 'asked' });
    await waitFor('nothing to be left', () => platform.world.instancesOf('slow').length === 0);
  });
});
