import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** A TCP socket in state LISTEN, as the kernel shows it. */
export interface ListeningSocket {
  readonly address: string;
  readonly port: number;
}

const LISTEN = '0A';
/** The engine's own name server inside every container of a network of ours. */
const ENGINE_RESOLVER = '127.0.0.11';

/** Parses /proc/<pid>/net/tcp or tcp6: addresses in host byte order, ports in hexadecimal. */
export const parseListening = (text: string): ListeningSocket[] =>
  text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state] = line.trim().split(/\s+/);
      const [hex = '', port = ''] = local.split(':');
      if (state !== LISTEN || hex === '') return [];
      const address = hex.length === 8 ? v4(hex) : v6(hex);
      return address === ENGINE_RESOLVER ? [] : [{ address, port: parseInt(port, 16) }];
    });

const v4 = (hex: string): string =>
  [6, 4, 2, 0].map((at) => parseInt(hex.slice(at, at + 2), 16)).join('.');

const v6 = (hex: string): string => {
  // Four words of 32 bits, each in host byte order.
  const bytes = [0, 8, 16, 24].flatMap((word) =>
    [6, 4, 2, 0].map((at) => hex.slice(word + at, word + at + 2).toLowerCase()),
  );
  const text = bytes.join('');
  if (/^0{32}$/.test(text)) return '::';
  if (/^0{31}1$/.test(text)) return '::1';
  if (text.startsWith('00000000000000000000ffff')) {
    return bytes
      .slice(12)
      .map((byte) => parseInt(byte, 16))
      .join('.');
  }
  return (text.match(/.{4}/g) ?? []).map((part) => part.replace(/^0{1,3}/, '')).join(':');
};

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

type ListeningVerdict = 'reachable' | 'loopback-only' | 'other-port' | 'nothing';

/** What the sockets of a container mean for the port that is published. */
export const judgeListening = (
  sockets: readonly ListeningSocket[],
  port: number,
): ListeningVerdict => {
  const onPort = sockets.filter((socket) => socket.port === port);
  if (onPort.some(({ address }) => !isLoopback(address))) return 'reachable';
  if (onPort.length > 0) return 'loopback-only';
  return sockets.length > 0 ? 'other-port' : 'nothing';
};

/** `address:port`, IPv6 in brackets. */
export const formatSocket = ({ address, port }: ListeningSocket): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

interface Located {
  readonly id: string;
  readonly pid: number | null;
}

/**
 * Are the container's processes here to see? In another pid namespace, or on another machine, the number
 * means another process: it must be in the container's cgroup. Read at once, the kernel has it in microseconds.
 */
export const isHere = ({ id, pid }: Located): boolean => {
  try {
    return pid !== null && readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(id);
  } catch {
    return false;
  }
};

/**
 * The listening sockets in a container's network, read from this machine's /proc; undefined where its
 * processes are not ours to see. The kernel walks through the sockets of the whole machine for it: 4 ms a file [M].
 */
export const readListening = async (
  container: Located,
): Promise<readonly ListeningSocket[] | undefined> => {
  if (!isHere(container)) return undefined;
  try {
    const v6Sockets = await readFile(`/proc/${container.pid}/net/tcp6`, 'utf8').catch(() => '');
    const v4Sockets = await readFile(`/proc/${container.pid}/net/tcp`, 'utf8');
    return [...parseListening(v4Sockets), ...parseListening(v6Sockets)];
  } catch {
    // Gone, or not ours to read: the other way of asking decides.
    return undefined;
  }
};
