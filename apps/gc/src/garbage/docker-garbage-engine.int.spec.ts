import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { LABEL, connectEngine, ownedBy } from '@shiplog/engine';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { DockerGarbageEngine } from './docker-garbage-engine.js';
import { describeGarbageEngine } from './garbage-engine.contract.js';

const docker = connectEngine();

/** An image of this machine's static busybox and nothing else: no registry is needed. */
const buildImage = async (tag: string, labels: Record<string, string>): Promise<string> => {
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
  if (busybox === undefined) throw new Error('install busybox-static for these tests');
  const tar = pack();
  tar.entry({ name: 'Dockerfile' }, 'FROM scratch\nCOPY busybox /busybox\n');
  tar.entry({ name: 'busybox', mode: 0o755 }, await readFile(busybox));
  tar.finalize();
  const stream = await docker.buildImage(tar as unknown as NodeJS.ReadableStream, {
    t: tag,
    labels,
    forcerm: true,
  });
  await new Promise<void>((resolve, reject) =>
    docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error))),
  );
  return (await docker.getImage(tag).inspect()).Id;
};

const removeAll = async (platforms: readonly string[]): Promise<void> => {
  for (const platform of platforms) {
    const filters = ownedBy(platform);
    for (const { Id } of await docker.listContainers({ all: true, filters })) {
      await docker.getContainer(Id).remove({ force: true, v: true });
    }
    for (const { Id } of await docker.listImages({ filters })) {
      await docker.getImage(Id).remove({ force: true });
    }
  }
};

describeGarbageEngine('DockerGarbageEngine', () => {
  const platform = `gct-${randomBytes(4).toString('hex')}`;
  const create = (
    image: string,
    labels: Record<string, string>,
    command: string[],
  ): Promise<Docker.Container> =>
    docker.createContainer({
      Image: image,
      Cmd: ['/busybox', ...command],
      Labels: labels,
      HostConfig: { NetworkMode: 'none' },
    });
  const labelsOf = (instanceId: string, ofPlatform = platform) => ({
    [LABEL.platform]: ofPlatform,
    [LABEL.app]: 'a1',
    [LABEL.process]: 'web',
    [LABEL.instance]: instanceId,
  });

  return Promise.resolve({
    engine: new DockerGarbageEngine(docker, platform),
    image: async (buildId, secondTag) => {
      const tag = `${platform}/a1:${buildId}`;
      const labels = { [LABEL.platform]: platform, [LABEL.app]: 'a1', [LABEL.build]: buildId };
      const id = await buildImage(tag, labels);
      if (secondTag !== undefined) {
        await docker.getImage(id).tag({ repo: `${platform}-${secondTag}`, tag: 'keep' });
      }
      return id;
    },
    container: async (imageId, instanceId, state) => {
      const command = state === 'running' ? ['sleep', '1000'] : ['true'];
      const container = await create(imageId, labelsOf(instanceId), command);
      if (state !== 'created') await container.start();
      if (state === 'exited') await container.wait();
      return container.id;
    },
    foreignContainer: async (imageId) =>
      (await create(imageId, labelsOf('i9', `${platform}-other`), ['true'])).id,
    clear: () => removeAll([platform, `${platform}-other`]),
  });
});
