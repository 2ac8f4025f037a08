import { isIPv4, SocketAddress } from 'node:net';

/** What an app's clients are told: for want of an instance (`starting`), or instead of an answer. */
export type Notice =
  | { readonly kind: 'starting' }
  | {
      readonly kind: 'maintenance';
      /** HTML on one line, base64; null: the page of the platform. */
      readonly page: string | null;
      /** Clients that reach the app all the same (see `addressPrefixes`). Ascending, each once. */
      readonly allow: readonly string[];
    };

export const BASE64_PATTERN = /^[A-Za-z0-9+/]{4,}={0,2}$/;
/** An address, or the beginning of one: digits in all, then hexadecimal digits. */
export const PREFIX_PATTERN = /^(?:8:[0-9A-F]{0,8}|32:[0-9A-F]{0,32})$/;

/**
 * The same addresses as beginnings of their hexadecimal digits, so that a proxy finds one in a tree of
 * words: `10.0.0.0/14` is `8:0A00` to `8:0A03`. An IPv4 client of an IPv6 socket is found, too.
 */
export const addressPrefixes = (ranges: readonly string[]): readonly string[] => {
  const prefixes = ranges.flatMap((range) => {
    const [address = '', bits] = range.split('/');
    const digits = digitsOf(address);
    const length = bits === undefined ? digits.length * 4 : Number(bits);
    const beginnings = beginningsOf(digits, length);
    const mapped = beginnings.map((one) => `32:${MAPPED}${one}`);
    if (isIPv4(address)) return [...beginnings.map((one) => `8:${one}`), ...mapped];
    // `::ffff:10.0.0.0/104` is a spelling of 10.0.0.0/8: who denies it means those clients at either socket.
    const asV4 = beginnings.filter((one) => one.startsWith(MAPPED));
    return [
      ...beginnings.map((one) => `32:${one}`),
      ...asV4.map((one) => `8:${one.slice(MAPPED.length)}`),
    ];
  });
  return [...new Set(prefixes)].toSorted();
};

const MAPPED = `${'0'.repeat(20)}FFFF`;

const beginningsOf = (digits: string, bits: number): readonly string[] => {
  const whole = digits.slice(0, Math.floor(bits / 4));
  const free = 4 - (bits % 4);
  if (free === 4) return [whole];
  const first = Number.parseInt(digits[whole.length] ?? '0', 16) & (0xf << free);
  return Array.from({ length: 2 ** free }, (_, i) => whole + hex(first + i, 1));
};

const digitsOf = (address: string): string => {
  if (isIPv4(address)) {
    return address
      .split('.')
      .map((part) => hex(Number(part), 2))
      .join('');
  }
  const { address: text } = new SocketAddress({ address, family: 'ipv6' });
  const [head = '', tail] = withoutDots(text).split('::');
  const groups = (part: string | undefined): string[] => (part ? part.split(':') : []);
  const before = groups(head);
  const after = groups(tail);
  const between = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: between }, () => '0'), ...after]
    .map((group) => hex(Number.parseInt(group, 16), 4))
    .join('');
};

/** `::ffff:10.0.0.1` ends in the way of IPv4. */
const withoutDots = (address: string): string =>
  address.replace(/\d+\.\d+\.\d+\.\d+$/, (dotted) =>
    digitsOf(dotted).replace(/^(....)(....)$/, '$1:$2'),
  );

const hex = (n: number, digits: number): string =>
  n.toString(16).toUpperCase().padStart(digits, '0');
