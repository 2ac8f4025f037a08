import { getServers } from 'node:dns';
import type Docker from 'dockerode';
import type { ContainerCreateOptions } from 'dockerode';
import { LABEL, engineStatus, ownedBy } from '@shiplog/engine';
import type { AddressRange } from '../containers/container-engine.port.js';
import { networkName } from '../containers/container-spec.js';
import type { DockerNetworks } from '../containers/docker-networks.js';
import { toEngineError } from '../containers/docker-translate.js';
import { readSlots, writeSlots } from './hosts-files.js';
import { planSlots, type Slots } from './hosts-slots.js';
import { ensureResolverImage, HOSTS_FOLDER, PROGRAM } from './resolver-image.js';
import type { Resolvers } from './resolvers.port.js';
import { INTERNAL_DOMAIN } from './team-hosts.js';

const KIND = 'resolver';
/** `nobody`: an engine lets everybody bind port 53 in a container's own network. */
const USER = '65534:65534';
const MEMORY_BYTES = 32 * 1024 * 1024;

interface Server {
  readonly containerId: string;
  /** What it answers; undefined while that is not known. */
  slots?: Slots | undefined;
}

/**
 * A dnsmasq in each team's network, in a container that outlives us as those of instances do. The engine's
 * own name server, which containers ask, passes on to it what is no name of a container; and it passes on
 * to the host's name servers what is no name of an instance.
 */
export class DockerResolvers implements Resolvers {
  /** By team. */
  private readonly servers = new Map<string, Server>();
  private readonly starting = new Map<string, Promise<Server>>();
  private isListStale = true;

  constructor(
    private readonly docker: Docker,
    private readonly networks: DockerNetworks,
    private readonly options: {
      readonly platform: string;
      readonly dnsmasq: string;
      readonly onTrouble: (teamId: string, error: unknown) => void;
    },
  ) {}

  /**
   * The name servers for a container in the team's network: the team's own, and those of this host for
   * the time in which that one does not run. One that does not start holds up no container.
   */
  async serversFor(teamId: string, range: AddressRange): Promise<readonly string[]> {
    try {
      await this.ensure(teamId, range);
    } catch (error) {
      this.options.onTrouble(teamId, error);
    }
    return [range.resolver, ...hostServers()];
  }

  async publish(teamId: string, hosts: string): Promise<void> {
    try {
      if (this.isListStale) await this.readList();
      const server = this.servers.get(teamId) ?? (await this.serverOfNetwork(teamId, hosts));
      if (server === undefined) return;
      const container = this.docker.getContainer(server.containerId);
      const changes = planSlots((server.slots ??= await readSlots(container)), hosts);
      if (changes.writes.length === 0) return;
      // After a failure half of it may be there.
      server.slots = undefined;
      await writeSlots(container, changes);
      server.slots = changes.after;
    } catch (error) {
      this.isListStale = true;
      throw toEngineError(`publishing the names of team ${teamId}`, error);
    }
  }

  async dismiss(teamId: string): Promise<void> {
    try {
      if (this.isListStale) await this.readList();
      const server = this.servers.get(teamId);
      if (server === undefined) return;
      this.servers.delete(teamId);
      await this.docker.getContainer(server.containerId).remove({ force: true });
    } catch (error) {
      if (engineStatus(error) === 404) return;
      this.isListStale = true;
      throw toEngineError(`ending the name server of team ${teamId}`, error);
    }
  }

  distrust(): void {
    this.isListStale = true;
  }

  /** Goes with the network, in which nothing else is any more. */
  async remove(network: string): Promise<void> {
    try {
      const { Id, Config } = await this.docker.getContainer(containerNameIn(network)).inspect();
      if (!isOurs(Config.Labels, this.options.platform)) return;
      this.servers.delete(Config.Labels[LABEL.team] ?? '');
      await this.docker.getContainer(Id).remove({ force: true });
    } catch (error) {
      if (engineStatus(error) === 404) return;
      throw toEngineError(`removing the name server of network ${network}`, error);
    }
  }

  /** Nobody needs one to answer nothing; the first container of a team starts it in any case. */
  private async serverOfNetwork(teamId: string, hosts: string): Promise<Server | undefined> {
    if (hosts === '') return undefined;
    const range = await this.networks.ensure(networkName(this.options, teamId), teamId);
    return range === null ? undefined : await this.ensure(teamId, range);
  }

  /** Those that somebody stopped are started again; of those that are gone nothing is known any more. */
  private async readList(): Promise<void> {
    this.isListStale = false;
    const filters = ownedBy(this.options.platform, `${LABEL.kind}=${KIND}`);
    const found = await this.docker.listContainers({ all: true, filters });
    const before = new Map(this.servers);
    this.servers.clear();
    for (const { Id, Labels, State } of found) {
      const teamId = Labels[LABEL.team] ?? '';
      if (State !== 'running') await this.docker.getContainer(Id).start();
      const known = before.get(teamId);
      this.servers.set(teamId, known?.containerId === Id ? known : { containerId: Id });
    }
  }

  private async ensure(teamId: string, range: AddressRange): Promise<Server> {
    const known = this.servers.get(teamId);
    if (known !== undefined) return known;
    const starting = this.starting.get(teamId) ?? this.start(teamId, range);
    this.starting.set(teamId, starting);
    try {
      const server = await starting;
      this.servers.set(teamId, server);
      return server;
    } finally {
      this.starting.delete(teamId);
    }
  }

  private async start(teamId: string, range: AddressRange): Promise<Server> {
    const { dnsmasq, platform } = this.options;
    const image = await ensureResolverImage(this.docker, dnsmasq);
    const container = await this.create(resolverSpec(image, { platform, teamId, range }));
    await container.start().catch(async (error: unknown) => {
      if (engineStatus(error) === 304) return;
      // Made anew at the next attempt: what it was told may be what keeps it from starting.
      await container.remove({ force: true });
      throw error;
    });
    return { containerId: container.id };
  }

  /** Met again by its name, after a crash in between. */
  private async create(spec: ContainerCreateOptions & { name: string }): Promise<Docker.Container> {
    try {
      return await this.docker.createContainer(spec);
    } catch (error) {
      if (engineStatus(error) !== 409) throw error;
      const { Id, Config } = await this.docker.getContainer(spec.name).inspect();
      if (!isOurs(Config.Labels, this.options.platform)) throw error;
      return this.docker.getContainer(Id);
    }
  }
}

const containerNameIn = (network: string): string => `${network}-${KIND}`;

const isOurs = (labels: Readonly<Record<string, string>>, platform: string): boolean =>
  labels[LABEL.platform] === platform && labels[LABEL.kind] === KIND;

/** Of this host, without those that only the host itself reaches. */
const hostServers = (): readonly string[] =>
  getServers().filter((address) => /^\d+(\.\d+){3}$/.test(address) && !address.startsWith('127.'));

const resolverSpec = (
  image: string,
  of: { readonly platform: string; readonly teamId: string; readonly range: AddressRange },
): ContainerCreateOptions & { name: string } => {
  const network = networkName(of, of.teamId);
  return {
    name: containerNameIn(network),
    Image: image,
    User: USER,
    Cmd: [
      PROGRAM,
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--pid-file=', '--user='],
      ...['--log-facility=-', '--no-hosts', `--hostsdir=${HOSTS_FOLDER}`],
      // Nobody else is asked for our names, and nobody keeps an answer: the next one may differ.
      ...[`--local=/${INTERNAL_DOMAIN}/`, '--local-ttl=0'],
    ],
    Labels: { [LABEL.platform]: of.platform, [LABEL.team]: of.teamId, [LABEL.kind]: KIND },
    NetworkingConfig: {
      EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: of.range.resolver } } },
    },
    HostConfig: {
      NetworkMode: network,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Memory: MEMORY_BYTES,
      MemorySwap: MEMORY_BYTES,
      PidsLimit: 16,
      LogConfig: { Type: 'local', Config: { 'max-size': '1m', 'max-file': '2' } },
      RestartPolicy: { Name: 'unless-stopped' },
    },
  };
};
