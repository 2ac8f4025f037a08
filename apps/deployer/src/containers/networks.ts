import type { AddressRange } from './container-engine.port.js';

/** Blocks of 10.0.0.0/8 that team networks are cut from: 10.176.0.0 to 10.239.255.255, 4096 networks of 1024 addresses. */
const FIRST = 176;
/** Networks whose second number is the same. */
const PER_SECOND = 64;
const COUNT = 64 * PER_SECOND;

interface Block {
  readonly from: number;
  readonly to: number;
}

const toNumber = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

const toAddress = (n: number): string =>
  [2 ** 24, 2 ** 16, 256, 1].map((unit) => Math.floor(n / unit) % 256).join('.');

const blockOf = (cidr: string): Block | undefined => {
  const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr);
  if (match === null) return undefined;
  const [, address = '', bits = '32'] = match;
  const size = 2 ** (32 - Number(bits));
  const from = Math.floor(toNumber(address) / size) * size;
  return { from, to: from + size - 1 };
};

/** How a network's subnet is divided, in the engine's words. */
interface Layout {
  readonly Subnet: string;
  /** The engine gives these to containers that ask for none. */
  readonly IPRange: string;
}

/** The first quarter is the engine's, for workers and one-off commands; the rest is ours. */
export const layoutOf = (subnet: string): Layout & { readonly Gateway: string } => {
  const { from } = blockOf(subnet) ?? { from: 0 };
  return { Subnet: subnet, IPRange: `${toAddress(from)}/24`, Gateway: toAddress(from + 1) };
};

/** What a network leaves to us: behind the engine's range, without the broadcast address. The last one is its name server's. */
export const ownRangeOf = ({ Subnet, IPRange }: Layout): AddressRange | null => {
  const [all, engines] = [blockOf(Subnet), blockOf(IPRange)];
  if (all === undefined || engines?.from !== all.from || engines.to + 2 >= all.to) return null;
  const [from, to, resolver] = [engines.to + 1, all.to - 2, all.to - 1].map(toAddress);
  return from === undefined || to === undefined || resolver === undefined
    ? null
    : { from, to, resolver };
};

/** Addresses of all instances, newest last. */
interface UsedAddresses extends Iterable<string> {
  has(address: string): boolean;
}

/**
 * Goes round the addresses of each network: the longer one rests, the surer no proxy still sends
 * requests of another app to it.
 */
export class AddressAllocator {
  /** By first address of the range: where to look next. */
  private readonly next = new Map<string, number>();

  constructor(private readonly random: () => number = Math.random) {}

  /** An address that nobody holds; null when all are held. */
  allocate(range: AddressRange, used: UsedAddresses): string | null {
    const [from, to] = [toNumber(range.from), toNumber(range.to)];
    const size = to - from + 1;
    const start = this.next.get(range.from) ?? this.afterNewest(from, size, used);
    for (let i = 0; i < size; i += 1) {
      const n = from + ((start - from + i) % size);
      const address = toAddress(n);
      if (used.has(address)) continue;
      this.next.set(range.from, n + 1);
      return address;
    }
    return null;
  }

  /** Looks at all of them, so once for each network in the life of a process. */
  private afterNewest(from: number, size: number, used: UsedAddresses): number {
    let newest = from + Math.floor(this.random() * size);
    for (const address of used) {
      const n = toNumber(address);
      if (n >= from && n < from + size) newest = n;
    }
    return newest + 1;
  }
}

/**
 * Subnets for a new network, best first: not overlapping any that is used, starting at a place that
 * depends on the name, so that two platforms on one engine seldom want the same.
 */
export function* freeSubnets(name: string, used: readonly string[]): Generator<string> {
  const blocks = used.flatMap((cidr) => blockOf(cidr) ?? []);
  let start = 0;
  for (const character of name) start = (start * 31 + character.charCodeAt(0)) % COUNT;
  for (let i = 0; i < COUNT; i += 1) {
    const n = (start + i) % COUNT;
    const cidr = `10.${FIRST + Math.floor(n / PER_SECOND)}.${(n % PER_SECOND) * 4}.0/22`;
    const block = blockOf(cidr);
    if (block === undefined) continue;
    if (blocks.every((other) => other.to < block.from || other.from > block.to)) yield cidr;
  }
}
