import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LABEL, connectEngine, ownedBy } from '@shiplog/engine';
import type { RunningProcess } from '@shiplog/runtime';
import { startDeployer } from '../index.js';
import { busyboxImage } from '../testing/busybox-image.js';
import { cleanUp } from '../testing/clean-up.js';
import { testPlatform, type TestPlatform } from '../testing/test-platform.js';
import { waitFor } from '../testing/wait-for.js';

const docker = connectEngine();
const server = { command: ['httpd', '-f', '-p', '0.0.0.0:9000', '-h', '/www'] };
const client = { command: ['sleep', '100000'] };

describe('apps that look for each other, on a real engine', () => {
  let platform: TestPlatform;
  let deployer: RunningProcess;

  beforeAll(async () => {
    const image = { id: await busyboxImage(docker) };
    platform = await testPlatform({ from: 21_900, to: 21_999 });
    await platform.startRouter();
    deployer = await startDeployer(platform.context());
    for (const [appId, teamId, processes] of [
      ['search', 'team1', { engine: server }],
      ['shop', 'team1', { worker: client }],
      ['spy', 'team2', { worker: client }],
    ] as const) {
      await platform.app(appId, { type: 'CreateApp', appId, name: appId, teamId });
      await platform.app(appId, {
        type: 'ChangeSettings',
        changes: { graceSeconds: 1 },
        baseVersion: null,
      });
      const formation = { engine: 2, worker: 1 };
      await platform.deploy(appId, { image, processes });
      for (const [process, count] of Object.entries(formation))
        await platform.app(appId, { type: 'Scale', formation: { [process]: count } });
    }
    await waitFor('all instances', () => ready('search').length === 2 && ready('spy').length === 1);
    await waitFor('the client', () => ready('shop').length === 1);
  });
  afterAll(async () => {
    await deployer.stop();
    await cleanUp(docker, platform.config.platform);
    await platform.end();
  });

  const ready = (appId: string) =>
    platform.world.instancesOf(appId).filter(({ status }) => status === 'ready');
  const addresses = (appId: string) => ready(appId).map(({ address }) => address);

  /** What a program says that runs in the first instance of the app. */
  const said = async (appId: string, ...command: string[]): Promise<string> => {
    const container = docker.getContainer(ready(appId)[0]?.containerId ?? '');
    const exec = await container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
    const parts: Buffer[] = [];
    const stream = await exec.start({ hijack: true });
    const text = { write: (part: Buffer) => parts.push(part) };
    docker.modem.demuxStream(stream, text as never, text as never);
    await new Promise((resolve) => stream.once('end', resolve));
    return Buffer.concat(parts).toString();
  };
  const found = async (appId: string, name: string): Promise<string[]> => {
    const answer = await said(appId, 'busybox', 'nslookup', '-type=a', name);
    const own = answer.split('\n').filter((line) => line.startsWith('Address: '));
    return own.map((line) => line.slice('Address: '.length)).toSorted();
  };
  const toBeFound = (name: string, wanted: () => readonly (string | null | undefined)[]) =>
    waitFor(`${name} to be at ${wanted().join(' ')}`, async () => {
      const now = await found('shop', name);
      return now.join() === wanted().toSorted().join() && now;
    });

  it('find every ready instance by the name of the app, on any port', async () => {
    await toBeFound('search.internal', () => addresses('search'));
    await toBeFound('engine.search.internal', () => addresses('search'));
    const url = 'http://search.internal:9000/';
    expect(await said('shop', 'busybox', 'wget', '-qO-', url)).toBe('hello\n');
    expect(await found('shop', 'nobody.internal')).toEqual([]);
  });

  it('find nothing of another team', async () => {
    expect(await found('spy', 'search.internal')).toEqual([]);
    const [address] = addresses('search');
    const url = `http://${address}:9000/`;
    expect(await said('spy', 'busybox', 'wget', '-T', '1', '-qO-', url)).not.toContain('hello');
  });

  it('find what is ready now, after scaling up and down', async () => {
    await platform.app('search', { type: 'Scale', formation: { engine: 3 } });
    await waitFor('three', () => ready('search').length === 3);
    await toBeFound('search.internal', () => addresses('search'));
    await platform.app('search', { type: 'Scale', formation: { engine: 1 } });
    await toBeFound('search.internal', () => addresses('search'));
    expect(addresses('search')).toHaveLength(1);
  });

  it('find each other while the deployer is away, and get their name server back', async () => {
    await deployer.stop();
    await toBeFound('search.internal', () => addresses('search'));
    const filters = ownedBy(
      platform.config.platform,
      `${LABEL.kind}=resolver`,
      `${LABEL.team}=team1`,
    );
    const [resolver] = await docker.listContainers({ filters });
    await docker.getContainer(resolver?.Id ?? '').remove({ force: true });
    expect(await found('shop', 'search.internal')).toEqual([]);
    deployer = await startDeployer(platform.context());
    await toBeFound('search.internal', () => addresses('search'));
  });

  it("leave nothing behind: the name server goes with the team's last app", async () => {
    await platform.app('spy', { type: 'DestroyApp', confirm: 'spy' });
    const filters = ownedBy(
      platform.config.platform,
      `${LABEL.kind}=resolver`,
      `${LABEL.team}=team2`,
    );
    await waitFor('it to go', async () => {
      const left = await docker.listContainers({ all: true, filters });
      const networks = (await docker.listNetworks()).map(({ Name }) => Name);
      return left.length === 0 && !networks.includes(`${platform.config.platform}-team2`);
    });
  });
});
