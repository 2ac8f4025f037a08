import { connectEngine } from '@shiplog/engine';
import { busyboxImage } from '../testing/busybox-image.js';
import { cleanUp } from '../testing/clean-up.js';
import { describeContainerEngine } from './container-engine.contract.js';
import { DockerContainerEngine } from './docker-container-engine.js';

describeContainerEngine('Docker Engine', async () => {
  const docker = connectEngine();
  const platform = `dc${Math.random().toString(36).slice(2, 8)}`;
  return {
    platform,
    engine: new DockerContainerEngine(docker, platform),
    neighbour: new DockerContainerEngine(docker, `${platform}-other`),
    imageId: await busyboxImage(docker),
    port: 21_500,
    programs: {
      forever: ['sleep', '100000'],
      exits: (code) => ['sh', '-c', `exit ${code}`],
      prints: (text) => ['sh', '-c', `echo ${text}; sleep 100000`],
    },
    crash: async (id) => {
      // From inside, as a program crashes: a kill by hand is an order to stay down.
      const exec = await docker
        .getContainer(id)
        .exec({ Cmd: ['/bin/busybox', 'killall', '-9', 'sleep'] });
      await exec.start({ Detach: true });
    },
    dropNetwork: async (name) => void (await docker.getNetwork(name).remove()),
    close: () => cleanUp(docker, platform),
  };
});
