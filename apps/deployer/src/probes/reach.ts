import { BlockList, connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Reach } from '@shiplog/domain';

const CONNECT_MS = 500;

/** Tells which way requests may take to an instance that is ready. */
export type FindReach = (address: string, port: number) => Promise<Reach>;

/**
 * Direct when the address is in a network that this machine is in, and a connection is accepted. Without
 * the first condition a stranger's machine could answer: behind a desktop engine the team's network is
 * not here, and the address may be somebody's in the office.
 */
export const findReach: FindReach = async (address, port) =>
  (await knock(address, port)) === 'accepted' ? 'direct' : 'published';

/** `unknown` where the address is none of this machine's networks, or does not answer at all. */
export const knock = async (
  address: string,
  port: number,
): Promise<'accepted' | 'refused' | 'unknown'> =>
  isNeighbour(address) ? await connectOnce(address, port, CONNECT_MS) : 'unknown';

/** Reading the interfaces of a machine with a hundred containers takes the kernel milliseconds. */
const INTERFACES_MS = 5_000;
let interfaces: { readonly list: BlockList; readonly readAtMs: number } | undefined;

const isNeighbour = (address: string): boolean => {
  const nowMs = performance.now();
  const isFresh = interfaces !== undefined && nowMs - interfaces.readAtMs < INTERFACES_MS;
  if (isFresh && interfaces?.list.check(address) === true) return true;
  // Not in it: the network may have been made since.
  interfaces = { list: readInterfaces(), readAtMs: nowMs };
  return interfaces.list.check(address);
};

const readInterfaces = (): BlockList => {
  const here = new BlockList();
  for (const { family, cidr, address: own } of Object.values(networkInterfaces()).flatMap(
    (addresses) => addresses ?? [],
  )) {
    const bits = Number(cidr?.split('/')[1]);
    if (family === 'IPv4' && bits > 0) here.addSubnet(own, bits);
  }
  return here;
};

/** Connects and hangs up. */
export const connectOnce = (
  host: string,
  port: number,
  timeoutMs: number,
): Promise<'accepted' | 'refused' | 'unknown'> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (answer: 'accepted' | 'refused' | 'unknown'): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => done('unknown'), timeoutMs);
    socket.once('connect', () => done('accepted'));
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      done(code === 'ECONNREFUSED' ? 'refused' : 'unknown'),
    );
  });
