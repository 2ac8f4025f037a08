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
    expect(instance?.reach).toBe('direct');
    expect(await (await fetch(`http://${instance?.address}:8080/`)).text()).toBe('hello\n');
  });

  it('fences the container in and lets the engine keep it alive', async () => {
    const [summary] = await containers();
    const { HostConfig, Config } = await docker.getContainer(summary?.Id ?? '').inspect();
    await waitFor('the restart policy', async () => {
      const { HostConfig: now } = await docker.getContainer(summary?.Id ?? '').inspect();
      return now.RestartPolicy?.Name === 'unless-stopped';
    });
    expect(HostConfig).toMatchObject({
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: 512,
      Memory: 512 * 1024 * 1024,
      MemorySwap: 512 * 1024 * 1024,
      NanoCpus: 1e9,
      Privileged: false,
      LogConfig: { Type: 'local' },
      NetworkMode: `${platform.config.platform}-team1`,
    });
    expect(HostConfig.PortBindings).toMatchObject({ '8080/tcp': [{ HostIp: '127.0.0.1' }] });
    expect(Config.Env).toContain('SHIPLOG_APP=hello');
    expect(Config.Env).toContain('PORT=8080');
  });

  it('scales up and down without starting anything anew', async () => {
    const [first] = platform.open('hello');
    await platform.app('hello', { type: 'Scale', formation: { web: 3 } });
    await settled('hello', 3);
    await platform.app('hello', { type: 'Scale', formation: { web: 1 } });
    const [last] = await settled('hello', 1);
    expect(last?.instanceId).toBe(first?.instanceId);
    expect(last?.restarts).toBe(0);
  });

  it('gives what runs other limits without starting it anew, and takes back what others change', async () => {
    const MB = 1024 * 1024;
    const [before] = platform.open('hello');
    const hostOf = async () =>
      (await docker.getContainer(before?.containerId ?? '').inspect()).HostConfig;
    const limited = (memoryBytes: number, cpus: number) =>
      waitFor(`${memoryBytes} bytes`, async () => {
        const { Memory, MemorySwap, NanoCpus } = await hostOf();
        return Memory === memoryBytes && MemorySwap === memoryBytes && NanoCpus === cpus * 1e9;
      });
    const changes = { memoryBytes: 96 * MB, cpus: 0.5 };
    await platform.app('hello', { type: 'ChangeSettings', changes, baseVersion: 1 });
    await limited(96 * MB, 0.5);
    const set = { memoryBytes: 128 * MB };
    await platform.app('hello', { type: 'ResizeProcess', process: 'web', set, unset: [] });
    await limited(128 * MB, 0.5);
    await docker
      .getContainer(before?.containerId ?? '')
      .update({ Memory: 64 * MB, MemorySwap: 64 * MB });
    await limited(128 * MB, 0.5);
    await waitFor('the log to know', () => !platform.world.isResizing(before?.instanceId ?? ''));
    expect(platform.open('hello')).toEqual([before]);
    expect(platform.world.rolloutsOf('hello')).toHaveLength(1);
  });

  it('keeps the old release when the new one exits at once, and says why', async () => {
    const before = platform.open('hello');
    await platform.app('hello', {
      type: 'ChangeConfig',
      set: { API_SECRET: await platform.keyring.encrypt('hello', 'very-secret-value') },
      unset: [],
      baseVersion: 1,
    });
    const command = ['sh', '-c', 'echo cannot reach the database with $API_SECRET; exit 3'];
    const rolloutId = await platform.deploy('hello', { image, processes: { web: { command } } });
    const state = await platform.ended(rolloutId);
    expect(state).toMatchObject({
      status: 'failed',
      explanation: {
        code: 'exited',
        exitCode: 3,
        logLines: ['cannot reach the database with [redacted API_SECRET]'],
      },
    });
    const [instance] = await settled('hello', 1);
    expect(before.map(({ port }) => port)).toContain(instance?.port);
  });

  it('starts a crashed instance again on the same port and address', async () => {
    const [before] = platform.open('hello');
    await docker.getContainer(before?.containerId ?? '').kill();
    const after = await waitFor('a restart', () => {
      const [instance] = platform.open('hello');
      return instance?.status === 'ready' && instance.restarts > 0 && instance;
    });
    expect(after).toMatchObject({ instanceId: before?.instanceId, port: before?.port });
    expect(await answer(after.port)).toBe('hello\n');
    expect(after).toMatchObject({ address: before?.address, reach: 'direct' });
    expect(await (await fetch(`http://${after.address}:8080/`)).text()).toBe('hello\n');
  });

  it('replaces an instance whose container was removed by hand', async () => {
    const [before] = platform.open('hello');
    await docker.getContainer(before?.containerId ?? '').remove({ force: true });
    await waitFor('another instance', () => {
      const [instance] = platform.open('hello');
      return instance?.status === 'ready' && instance.instanceId !== before?.instanceId;
    });
    await settled('hello', 1);
  });

  it('adopts what runs when it comes back, and sees what happened meanwhile', async () => {
    const [before] = await settled('hello', 1);
    const started = async () =>
      (await docker.getContainer(before?.containerId ?? '').inspect()).State.StartedAt;
    const startedBefore = await started();
    await deployer.stop();
    deployer = await startDeployer(platform.context());
    await platform.app('hello', { type: 'Scale', formation: { web: 2 } });
    await settled('hello', 2);
    expect(await started()).toBe(startedBefore);

    await deployer.stop();
    const [, second] = platform.open('hello');
    await docker.getContainer(second?.containerId ?? '').restart({ t: 0 });
    deployer = await startDeployer(platform.context());
    await waitFor('the restart to be seen', () =>
      platform
        .open('hello')
        .some(
          ({ instanceId, restarts, status }) =>
            instanceId === second?.instanceId && restarts === 1 && status === 'ready',
        ),
    );
  });

  it('stops and starts an app, and lets go of everything when it is destroyed', async () => {
    await platform.app('hello', { type: 'StopApp' });
    await settled('hello', 0);
    await platform.app('hello', { type: 'StartApp' });
    await settled('hello', 2);
    await platform.app('hello', { type: 'DestroyApp', confirm: 'hello' });
    await settled('hello', 0);
    const network = `${platform.config.platform}-team1`;
    await waitFor('the network to go', async () => {
      const names = (await docker.listNetworks()).map(({ Name }) => Name);
      return !names.includes(network);
    });
  });
});
