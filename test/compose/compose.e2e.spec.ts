import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ComposePlatform } from '../support/compose.js';
import { killContainerProcess, removeAppsFromEngine } from '../support/containers.js';
import type { TestPlatform } from '../support/platform.js';
import { dumpAt, lastSequence } from '../support/read-models.js';
import { deployed } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

const WITH_SOCKET = ['backup', 'builder', 'deployer', 'gc', 'monitor-agent'];
const WITH_CREDENTIALS = [...WITH_SOCKET, 'api', 'router-sync'];
/** Everything that may be down without anybody noticing it at an app. */
const CONTROL_PLANE = [...WITH_CREDENTIALS, 'nats', 'postgres'];

describe('the platform as containers', () => {
  let compose: ComposePlatform;
  let platform: TestPlatform;
  // Where nothing is cached, base images and the image of the processes are made first.
  beforeAll(async () => {
    compose = await ComposePlatform.create('compose');
    ({ platform } = compose);
    await compose.up(['--build']);
  }, 1_200_000);
  afterAll(async () => compose.destroy());

  const instancesThatAnswer = async (requests = 12): Promise<Set<string>> => {
    const asked = Array.from({ length: requests }, () => platform.get('hello'));
    const answers = await Promise.all(asked);
    return new Set(
      answers.map(({ status, headers }) =>
        status === 200 ? (headers.get('x-instance') ?? '') : `status ${status}`,
      ),
    );
  };
  const allAnswer = async (count: number): Promise<boolean> => {
    const instances = [...(await instancesThatAnswer().catch(() => []))];
    return instances.length === count && !instances.some((one) => one.startsWith('status'));
  };

  it('is fenced in: the engine for five processes, and nothing that is not needed for any', async () => {
    const services = await compose.services();
    const withSocket = [...services].filter(([, { Mounts }]) =>
      Mounts.some(({ Source, Destination }) => /docker\.sock/.test(Source + Destination)),
    );
    expect(withSocket.map(([name]) => name).toSorted()).toEqual(WITH_SOCKET);
    for (const [name, { HostConfig: host, Config: config }] of services) {
      expect([name, host.Privileged, host.CapDrop]).toEqual([name, false, ['ALL']]);
      expect([name, host.SecurityOpt]).toEqual([
        name,
        expect.arrayContaining(['no-new-privileges:true']),
      ]);
      expect([name, host.NetworkMode === 'host']).toEqual([name, false]);
      const published = Object.values(host.PortBindings as object).flat() as { HostIp: string }[];
      expect([name, published.filter(({ HostIp }) => HostIp !== '127.0.0.1')]).toEqual([name, []]);
      expect([name, config.Env.filter((line) => /password=|seed|token/i.test(line))]).toEqual([
        name,
        [],
      ]);
    }
  });

  it('shows each process the credentials that are its own, and the password to whom it concerns', async () => {
    for (const name of WITH_CREDENTIALS) {
      const { stdout } = await compose.exec(name, ['ls', '/var/lib/shiplog/nats/credentials']);
      expect(stdout.trim()).toBe(`${name}.nk`);
    }
    const services = await compose.services();
    const reading = [...services].filter(([, { Mounts }]) =>
      Mounts.some(({ Name }) => Name === `${platform.name}_postgres-secret`),
    );
    expect(reading.map(([name]) => name).toSorted()).toEqual(['api', 'configure', 'postgres']);
  });

  it('builds and runs what is pushed, reached by nobody but the router', async () => {
    await (await deployed(platform, 'hello', 'node-hello')).remove();
    expect((await platform.get('hello')).status).toBe(200);
    const [container] = await platform.containers('hello');
    const addresses = container?.Ports.flatMap(({ IP }) => IP ?? []) ?? [];
    expect(addresses).toHaveLength(1);
    expect(['0.0.0.0', '::']).not.toContain(addresses[0]);
  });

  it('tells addresses at which its users reach it', async () => {
    const kept = await readFile(join(platform.home, 'credentials.json'), 'utf8');
    expect(JSON.parse(kept)).toMatchObject({ url: platform.apiUrl });
    const shown = await compose.exec('api', ['deploy/as-administrator', 'whoami', '--json']);
    expect(JSON.parse(shown.stdout)).toMatchObject({ user: 'admin' });
  });

  it('scales, and the new instances take requests', async () => {
    await platform.json(['scale', '-a', 'hello', 'web=3']);
    await waitFor(
      'three instances to answer',
      async () => (await instancesThatAnswer()).size === 3,
    );
    const rows = await platform.json<{ state: string }[]>(['ps', '-a', 'hello']);
    expect(rows.map(({ state }) => state)).toEqual(['ready', 'ready', 'ready']);
  });

  it('asks clients for a password where that is wanted, for its router reads the keys of apps', async () => {
    const status = async (more = {}) => (await platform.get('hello', '/', more)).status;
    const input = 'correct horse\n';
    await platform.json(['basic-auth', 'set', 'ann', '-a', 'hello'], { input });
    await waitFor('the app to be closed', async () => (await status()) === 401);
    const authorization = `Basic ${Buffer.from('ann:correct horse').toString('base64')}`;
    expect(await status({ authorization })).toBe(200);
    await platform.json(['basic-auth', 'unset', 'ann', '--open', '-a', 'hello']);
    await waitFor('the app to be open', async () => (await status()) === 200);
  });

  it('says that all is well', async () => {
    const { code, stdout } = await platform.cli(['doctor']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('disk')]);
  });

  it('routes again by itself after HAProxy crashed', async () => {
    const proxy = (await compose.services()).get('haproxy');
    await killContainerProcess(proxy?.Id ?? '');
    await waitFor('the three instances to answer', () => allAnswer(3));
  });

  it('leaves apps serving while the control plane is down, and takes them up again', async () => {
    const before = (await platform.containers('hello')).map(({ Id }) => Id).toSorted();
    await compose.compose(['stop', ...CONTROL_PLANE]);
    expect([...(await instancesThatAnswer())].filter((one) => one.startsWith('status'))).toEqual(
      [],
    );
    await compose.up();
    expect((await platform.containers('hello')).map(({ Id }) => Id).toSorted()).toEqual(before);
    expect(await allAnswer(3)).toBe(true);
  });

  it('is rebuilt from the log when database, router, containers and images are gone', async () => {
    const sequence = await lastSequence(platform);
    const before = await dumpAt(platform, sequence);
    const releases = await platform.json(['releases', 'list', '-a', 'hello']);
    await compose.compose(['down']);
    for (const name of ['postgres-data', 'router', 'router-socket', 'builds'])
      await compose.removeVolume(name);
    await removeAppsFromEngine(platform.name);
    expect(await platform.containers()).toEqual([]);

    await compose.up();

    await waitFor('three instances to answer again', () => allAnswer(3), { timeoutMs: 120_000 });
    expect(await platform.json(['releases', 'list', '-a', 'hello'])).toEqual(releases);
    expect(await dumpAt(platform, sequence)).toBe(before);
  });
});
