import { LABEL, connectEngine, ownedBy } from '@shiplog/engine';
import { DockerVolumeEngine } from './docker-volume-engine.js';
import { describeVolumeEngine } from './volume-engine.contract.js';

const docker = connectEngine();
const platform = `backup-test-${process.pid}`;

describeVolumeEngine('DockerVolumeEngine', platform, () =>
  Promise.resolve({
    engine: new DockerVolumeEngine(docker, platform),
    platform,
    makeForeign: async (name) => {
      await docker.createVolume({ Name: name });
    },
    holders: async () =>
      (await docker.listContainers({ all: true, filters: ownedBy(platform, LABEL.kind) })).length,
    clear: async () => {
      for (const name of [`${platform}-data`]) {
        await docker
          .getVolume(name)
          .remove()
          .catch(() => undefined);
      }
    },
  }),
);
