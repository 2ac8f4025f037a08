import { lookup } from 'node:dns/promises';
import { BlockList } from 'node:net';
import type Docker from 'dockerode';
import { engineStatus } from '@shiplog/engine';
import type { PlatformConfig } from '@shiplog/runtime';
import { EngineError } from './container-engine.port.js';
import { toEngineError } from './docker-translate.js';

const LOOPBACK = '127.0.0.1';
/** Name of the network that every engine has; its gateway is what `host-gateway` means. */
const DEFAULT_BRIDGE = 'bridge';

/** On which address of the engine's host the ports of instances are published. */
export type PublishAddress = () => Promise<string>;

/**
 * From inside a container on Linux the loopback of the host is out of reach, and the gateway of the
 * default bridge is how it is reached. A desktop engine leads elsewhere, to the loopback of the person's
 * machine, and publishes there.
 */
export const choosePublishAddress = (
  reached: string,
  bridgeSubnets: readonly (string | undefined)[],
): string => {
  const bridge = new BlockList();
  for (const subnet of bridgeSubnets) {
    const [, address = '', bits = ''] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(subnet ?? '') ?? [];
    if (address !== '') bridge.addSubnet(address, Number(bits));
  }
  return bridge.check(reached) ? reached : LOOPBACK;
};

/** Asks engine and resolver once, when the first port is published. */
export const publishAddressOf = (
  docker: Docker,
  { publishAddress, instanceHost }: Pick<PlatformConfig, 'publishAddress' | 'instanceHost'>,
): PublishAddress => {
  let known: string | undefined;
  return async () => {
    if (publishAddress !== 'auto') return publishAddress;
    known ??= choosePublishAddress(await addressOf(instanceHost), await bridgeSubnets(docker));
    return known;
  };
};

const addressOf = async (host: string): Promise<string> => {
  const doing = 'finding the address to publish on';
  const found = await lookup(host, { family: 4 }).catch((cause: unknown) => {
    const said = `SHIPLOG_INSTANCE_HOST is ${host}, which has no address here; name one the engine's host has, or set SHIPLOG_PUBLISH_ADDRESS`;
    throw new EngineError('engine-refused', doing, said, { cause });
  });
  return found.address;
};

const bridgeSubnets = async (docker: Docker): Promise<readonly (string | undefined)[]> => {
  try {
    const { IPAM } = await docker.getNetwork(DEFAULT_BRIDGE).inspect();
    return (IPAM?.Config ?? []).map((config) => config['Subnet']);
  } catch (error) {
    // An engine that was told to have no default bridge.
    if (engineStatus(error) === 404) return [];
    throw toEngineError('looking at the default bridge', error);
  }
};
