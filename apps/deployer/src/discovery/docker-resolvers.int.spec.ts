import { connectEngine, LABEL, ownedBy } from '@shiplog/engine';
import { DockerNetworks } from '../containers/docker-networks.js';
import { cleanUp } from '../testing/clean-up.js';
import { DockerResolvers } from './docker-resolvers.js';
import { readSlots } from './hosts-files.js';
import { findDnsmasq } from './resolver-image.js';
import { describeResolvers } from './resolvers.contract.js';

const docker = connectEngine();

describeResolvers('dnsmasq', async () => {
  const platform = `rt${Math.random().toString(36).slice(2, 8)}`;
  const dnsmasq = await findDnsmasq(process.env);
  if (dnsmasq === undefined)
    throw new Error('this test needs dnsmasq: apt-get install dnsmasq-base');
  const open = () =>
    new DockerResolvers(docker, new DockerNetworks(docker, platform), {
      platform,
      dnsmasq,
      onTrouble: (_teamId, error) => {
        throw error;
      },
    });
  const serverOf = async (teamId: string) => {
    const filters = ownedBy(platform, `${LABEL.kind}=resolver`, `${LABEL.team}=${teamId}`);
    const [found] = await docker.listContainers({ filters });
    return found && docker.getContainer(found.Id);
  };
  return {
    resolvers: open(),
    again: open,
    answersOf: async (teamId) => {
      const server = await serverOf(teamId);
      return server && [...(await readSlots(server)).values()].toSorted().join('');
    },
    lose: async (teamId) => void (await (await serverOf(teamId))?.remove({ force: true })),
    end: () => cleanUp(docker, platform),
  };
});
