import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LABEL, connectEngine, ownedBy } from '@shiplog/engine';
import type { RunningProcess } from '@shiplog/runtime';
import { startDeployer } from './index.js';
import { busyboxImage } from './testing/busybox-image.js';
import { cleanUp } from './testing/clean-up.js';
import { testPlatform, type TestPlatform } from './testing/test-platform.js';
import { waitFor } from './testing/wait-for.js';

const docker = connectEngine();
const web = { command: ['httpd', '-f', '-p', '0.0.0.0:8080', '-h', '/www'] };

describe('the life of an app on a real engine', () => {
  let platform: TestPlatform;
  let deployer: RunningProcess;
  let image: { id: string };

  beforeAll(async () => {
    image = { id: await busyboxImage(docker) };
    platform = await testPlatform({ from: 21_000, to: 21_199 });
    await platform.startRouter();
    deployer = await startDeployer(platform.context());
  });
  afterAll(async () => {
    await deployer.stop();
    await cleanUp(docker, platform.config.platform);
    await platform.end();
  });

  const containers = () =>
    docker.listContainers({ filters: ownedBy(platform.config.platform, LABEL.instance) });
  const settled = (appId: string, count: number) =>
    waitFor(`${count} instances of ${appId}`, async () => {
      const open = platform.world.instancesOf(appId);
      const all = open.length === count && open.every(({ status }) => status === 'ready');
      return all && (await containers()).length === count && open;
    });
  const answer = async (port: number | null) => (await fetch(`http://127.0.0.1:${port}/`)).text();

  it('brings a first release live and answers on the recorded port', async () => {
    await platform.createApp('hello');
    const rolloutId = await platform.deploy('hello', { image, processes: { web } });
    expect(await platform.ended(rolloutId)).toMatchObject({ status: 'completed', version: 1 });
    const [instance] = await settled('hello', 1);
    expect(await answer(instance?.port ?? null)).toBe('hello\n');
  });
});
