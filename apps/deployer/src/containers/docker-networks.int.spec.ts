import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LABEL, connectEngine } from '@shiplog/engine';
import { busyboxImage } from '../testing/busybox-image.js';
import { cleanUp } from '../testing/clean-up.js';
import { DockerNetworks } from './docker-networks.js';
import { freeSubnets } from './networks.js';

const docker = connectEngine();
const platform = `dn${Math.random().toString(36).slice(2, 8)}`;

describe('a team network made by an earlier version', () => {
  let imageId: string;
  beforeAll(async () => {
    imageId = await busyboxImage(docker);
  });
  afterAll(() => cleanUp(docker, platform));

  /** All addresses the engine's, as networks were made before. */
  const oldNetwork = async (name: string): Promise<string> => {
    const used = (await docker.listNetworks()).flatMap(
      ({ IPAM }) => IPAM?.Config?.flatMap((config) => config['Subnet'] ?? []) ?? [],
    );
    const [subnet = ''] = freeSubnets(`old-${name}`, used);
    const network = await docker.createNetwork({
      Name: name,
      IPAM: { Driver: 'default', Config: [{ Subnet: subnet.replace('/22', '/24') }] },
      Labels: { [LABEL.platform]: platform },
    });
    return network.id;
  };
  const idOf = async (name: string): Promise<string> =>
    ((await docker.getNetwork(name).inspect()) as { Id: string }).Id;

  it('is made anew when nothing is in it', async () => {
    const name = `${platform}-empty`;
    const before = await oldNetwork(name);
    const range = await new DockerNetworks(docker, platform).ensure(name, 't1');
    expect(range).not.toBeNull();
    expect(await idOf(name)).not.toBe(before);
    expect(await new DockerNetworks(docker, platform).ensure(name, 't1')).toEqual(range);
  });

  it('stays when a container names it, even one that does not run', async () => {
    const name = `${platform}-used`;
    const before = await oldNetwork(name);
    await docker.createContainer({
      Image: imageId,
      Labels: { [LABEL.platform]: platform },
      HostConfig: { NetworkMode: name },
    });
    expect(await new DockerNetworks(docker, platform).ensure(name, 't1')).toBeNull();
    expect(await idOf(name)).toBe(before);
  });

  it('is one, however many ask for it at once', async () => {
    const name = `${platform}-once`;
    const networks = new DockerNetworks(docker, platform);
    const ranges = await Promise.all([1, 2, 3, 4].map(() => networks.ensure(name, 't1')));
    expect(new Set(ranges.map((range) => range?.from)).size).toBe(1);
    const made = (await docker.listNetworks()).filter(({ Name }) => Name === name);
    expect(made).toHaveLength(1);
  });

  it('stays when it is not ours', async () => {
    const name = `${platform}-foreign`;
    const before = await oldNetwork(name);
    expect(await new DockerNetworks(docker, `${platform}-other`).ensure(name, 't1')).toBeNull();
    expect(await idOf(name)).toBe(before);
  });
});
