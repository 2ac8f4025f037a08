import { networkInterfaces } from 'node:os';
import type Docker from 'dockerode';
import type { NetworkInspectInfo } from 'dockerode';
import { LABEL, engineStatus } from '@shiplog/engine';
import { EngineError, type AddressRange } from './container-engine.port.js';
import { toEngineError } from './docker-translate.js';
import { freeSubnets, layoutOf, ownRangeOf } from './networks.js';

/** Attempts when another platform takes the subnet we chose in the same moment. */
const SUBNET_ATTEMPTS = 20;

type Network = Pick<NetworkInspectInfo, 'Name' | 'Id' | 'IPAM' | 'Labels'>;

/** Every team has a network of its own, with a subnet we chose: the engine's default pools end near 31. */
export class DockerNetworks {
  /** Networks seen to exist; a name is forgotten when the engine says it has gone. */
  private readonly known = new Map<string, AddressRange | null>();
  /**
   * Under way, by name: the engine makes two networks of one name when it is asked twice at once, and then
   * starts nothing in either, because the name is ambiguous.
   */
  private readonly making = new Map<string, Promise<AddressRange | null>>();

  constructor(
    private readonly docker: Docker,
    private readonly platform: string,
  ) {}

  /** The addresses that instances of the team may be given by name. */
  async ensure(name: string, team: string): Promise<AddressRange | null> {
    const seen = this.known.get(name);
    if (seen !== undefined) return seen;
    const making = this.making.get(name) ?? this.make(name, team);
    this.making.set(name, making);
    try {
      return await making;
    } finally {
      this.making.delete(name);
    }
  }

  private async make(name: string, team: string): Promise<AddressRange | null> {
    const doing = `creating network ${name}`;
    try {
      const all: Network[] = await this.docker.listNetworks();
      const there = all.find((network) => network.Name === name);
      const isKept = there !== undefined && !(await this.madeRoom(there));
      const used = all.filter((network) => isKept || network !== there).flatMap(subnetsOf);
      const range = isKept ? rangeOf(there) : await this.create(name, team, used);
      this.known.set(name, range);
      return range;
    } catch (error) {
      throw toEngineError(doing, error);
    }
  }

  forget(name: string): void {
    this.known.delete(name);
  }

  forgetAll(): void {
    this.known.clear();
  }

  async remove(name: string): Promise<void> {
    this.known.delete(name);
    try {
      const network: Network = await this.docker.getNetwork(name).inspect();
      if (network.Labels?.[LABEL.platform] !== this.platform) return;
      await this.docker.getNetwork(network.Id).remove();
    } catch (error) {
      if ([403, 404, 409].includes(engineStatus(error) ?? 0)) return;
      throw toEngineError(`removing network ${name}`, error);
    }
  }

  /** A network of ours without addresses to choose from goes, when no container names it, run or not. */
  private async madeRoom(network: Network): Promise<boolean> {
    if (rangeOf(network) !== null) return false;
    if (network.Labels?.[LABEL.platform] !== this.platform) return false;
    // What never ran knows it by name only.
    const filters = { network: [network.Id, network.Name] };
    if ((await this.docker.listContainers({ all: true, filters })).length > 0) return false;
    try {
      await this.docker.getNetwork(network.Id).remove();
      return true;
    } catch (error) {
      if ([403, 409].includes(engineStatus(error) ?? 0)) return false;
      if (engineStatus(error) === 404) return true;
      throw error;
    }
  }

  private async create(
    name: string,
    team: string,
    used: readonly string[],
  ): Promise<AddressRange | null> {
    let attempts = 0;
    for (const subnet of freeSubnets(name, [...used, ...hostSubnets()])) {
      const layout = layoutOf(subnet);
      try {
        await this.docker.createNetwork({
          Name: name,
          CheckDuplicate: true,
          Driver: 'bridge',
          IPAM: { Driver: 'default', Config: [layout] },
          Labels: { [LABEL.platform]: this.platform, ...(team && { [LABEL.team]: team }) },
        });
        return ownRangeOf(layout);
      } catch (error) {
        // Made by another of our processes in the same moment.
        if (engineStatus(error) === 409) {
          const made: Network = await this.docker.getNetwork(name).inspect();
          return rangeOf(made);
        }
        attempts += 1;
        const overlaps = /overlap/i.test(error instanceof Error ? error.message : '');
        if (!overlaps || attempts >= SUBNET_ATTEMPTS) throw error;
      }
    }
    throw new EngineError('engine-refused', `creating network ${name}`, 'no free subnet is left');
  }
}

const rangeOf = ({ IPAM }: Network): AddressRange | null => {
  const [config, ...more] = IPAM?.Config ?? [];
  if (config === undefined || more.length > 0) return null;
  return ownRangeOf({ Subnet: config['Subnet'] ?? '', IPRange: config['IPRange'] ?? '' });
};

const subnetsOf = ({ IPAM }: Network): string[] =>
  (IPAM?.Config ?? []).flatMap((config) => config['Subnet'] ?? []);

const hostSubnets = (): string[] =>
  Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ family, cidr }) =>
      family === 'IPv4' && cidr !== null ? cidr : [],
    ),
  );
