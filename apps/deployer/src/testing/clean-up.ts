import type Docker from 'dockerode';
import { ownedBy } from '@shiplog/engine';

/** Removes everything that carries a test's own platform label, and nothing else. */
export const cleanUp = async (docker: Docker, platform: string): Promise<void> => {
  const filters = ownedBy(platform);
  for (const { Id } of await docker.listContainers({ all: true, filters })) {
    await docker.getContainer(Id).remove({ force: true, v: true });
  }
  const { Volumes } = await docker.listVolumes({ filters });
  for (const { Name } of (Volumes as typeof Volumes | null) ?? [])
    await docker.getVolume(Name).remove();
  for (const { Id } of await docker.listNetworks({ filters })) {
    await docker.getNetwork(Id).remove();
  }
};
