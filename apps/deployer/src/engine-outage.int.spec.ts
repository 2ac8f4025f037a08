import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LABEL, connectEngine } from '@shiplog/engine';
import type { RunningProcess } from '@shiplog/runtime';
import { startDeployer } from './index.js';
import { busyboxImage } from './testing/busybox-image.js';
import { cleanUp } from './testing/clean-up.js';
import { EngineProxy } from './testing/engine-proxy.js';
import { testPlatform, type TestPlatform } from './testing/test-platform.js';
import { waitFor } from './testing/wait-for.js';

const docker = connectEngine();
const web = { command: ['httpd', '-f', '-p', '0.0.0.0:80', '-h', '/www'] };
const worker = { command: ['sleep', '100000'] };

describe('a world that does not keep still', () => {
  let platform: TestPlatform;
  let deployer: RunningProcess;
  let proxy: EngineProxy;
  let image: { id: string; exposedPorts: number[] };

  beforeAll(async () => {
    image = { id: await busyboxImage(docker), exposedPorts: [80] };
    proxy = await EngineProxy.start();
    platform = await testPlatform({ from: 21_800, to: 21_849 });
    await platform.startRouter();
    deployer = await startDeployer({
      ...platform.context(),
      config: { ...platform.config, engine: `unix://${proxy.path}` },
    });
    await platform.createApp('app');
    await platform.ended(await platform.deploy('app', { image, processes: { web, worker } }));
  });
  afterAll(async () => {
    await deployer.stop();
    await proxy.end();
    await cleanUp(docker, platform.config.platform);
    await platform.end();
  });

  const of = (process: string) => platform.open('app').filter((i) => i.process === process);
  const ready = (process: string, count: number) =>
    waitFor(`${count} ${process}`, () => {
      const own = of(process);
      return own.length === count && own.every(({ status }) => status === 'ready') && own;
    });

  it('runs a server on a port below 1024 and a worker without any', async () => {
    const [server] = await ready('web', 1);
    expect(server?.containerPort).toBe(80);
    expect(await (await fetch(`http://127.0.0.1:${server?.port}/`)).text()).toBe('hello\n');
    await platform.app('app', { type: 'Scale', formation: { worker: 1 } });
    expect(await ready('worker', 1)).toMatchObject([{ port: null, containerPort: null }]);
  });

  it('decides nothing while the engine does not answer, and catches up when it does', async () => {
    const [before] = await ready('worker', 1);
    await waitFor('the engine to be told to keep it', async () => {
      const { HostConfig } = await docker.getContainer(before?.containerId ?? '').inspect();
      return HostConfig.RestartPolicy?.Name === 'unless-stopped';
    });
    await proxy.cut();
    const head = await platform.log.head();
    // A crash from inside, so that the engine itself starts it again meanwhile.
    const exec = await docker
      .getContainer(before?.containerId ?? '')
      .exec({ Cmd: ['/bin/busybox', 'killall', '-9', 'sleep'] });
    await exec.start({ Detach: true });
    await waitFor('the engine to start it again', async () => {
      const { State } = await docker.getContainer(before?.containerId ?? '').inspect();
      return State.Running && State.StartedAt !== before?.startedAt;
    });
    expect(await platform.log.head()).toBe(head);
    await proxy.open();
    const [after] = await waitFor('the restart to be recorded', () => {
      const own = of('worker');
      return own[0]?.restarts === 1 && own[0].status === 'ready' && own;
    });
    expect(after).toMatchObject({ instanceId: before?.instanceId });
  });

  it('goes round ports that others listen on', async () => {
    const taken = new Set(platform.world.instances().map(({ port }) => port));
    const blockers = [];
    for (let port = 21_800; port <= 21_840; port += 1) {
      if (!taken.has(port)) blockers.push(await squat(port));
    }
    await platform.app('app', { type: 'Scale', formation: { web: 3 } });
    await ready('web', 3);
    for (const server of blockers) server?.close();
    expect(new Set(of('web').map(({ port }) => port)).size).toBe(3);
  });

  it('stops again what somebody started by hand after it was stopped', async () => {
    await platform.app('app', { type: 'Scale', formation: { worker: 0 } });
    await waitFor('the worker to go', () =>
      platform.world.instancesOf('app').every(({ process }) => process !== 'worker'),
    );
    const label = [`${LABEL.platform}=${platform.config.platform}`, `${LABEL.process}=worker`];
    const [old] = await docker.listContainers({ all: true, filters: { label } });
    await docker.getContainer(old?.Id ?? '').start();
    await waitFor(
      'it to be stopped',
      async () => !(await docker.getContainer(old?.Id ?? '').inspect()).State.Running,
      25_000,
    );
  });
});

const squat = (port: number) =>
  new Promise<ReturnType<typeof createServer> | undefined>((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
