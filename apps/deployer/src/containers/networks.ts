/** Blocks of 10.0.0.0/8 that team networks are cut from: 10.176.0.0 to 10.239.255.0, 16,384 networks of 256 addresses. */
const FIRST = 176;
const COUNT = 64 * 256;

interface Block {
  readonly from: number;
  readonly to: number;
}

const toNumber = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

const blockOf = (cidr: string): Block | undefined => {
  const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr);
  if (match === null) return undefined;
  const [, address = '', bits = '32'] = match;
  const size = 2 ** (32 - Number(bits));
  const from = Math.floor(toNumber(address) / size) * size;
  return { from, to: from + size - 1 };
};

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
    const cidr = `10.${FIRST + Math.floor(n / 256)}.${n % 256}.0/24`;
    const block = blockOf(cidr);
    if (block === undefined) continue;
    if (blocks.every((other) => other.to < block.from || other.from > block.to)) yield cidr;
  }
}
