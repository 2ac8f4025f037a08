/** Hexadecimal digits of an address of either family. */
const DIGITS = { v4: 8, v6: 32 } as const;
/** How an address of IPv4 is seen at a socket of IPv6. */
const MAPPED = '00000000000000000000FFFF';

/**
 * A network as what the hexadecimal spelling of its addresses begins with, after the number of digits that
 * they have: `10.0.0.0/8` is `8/0A`. A network that ends within a digit is several. One of IPv4 is there
 * once more as a socket of IPv6 shows it. What has another grammar throws.
 */
export const networkPrefixes = (network: string): readonly string[] => {
  const [address = '', length = ''] = network.split('/');
  const digits = address.includes(':') ? digitsOfV6(address) : digitsOfV4(address);
  const bits = Number(length);
  if (digits === undefined || !/^\d{1,3}$/.test(length) || bits > digits.length * 4) {
    throw new Error(`not a network: ${JSON.stringify(network)}`);
  }
  const own = startsOf(digits, bits);
  return digits.length === DIGITS.v4
    ? [...own.map((start) => `8/${start}`), ...own.map((start) => `32/${MAPPED}${start}`)]
    : own.map((start) => `32/${start}`);
};

const startsOf = (digits: string, bits: number): readonly string[] => {
  const whole = digits.slice(0, Math.floor(bits / 4));
  const rest = bits % 4;
  if (rest === 0) return [whole];
  const count = 2 ** (4 - rest);
  const first = Math.floor(Number.parseInt(digits[whole.length] ?? '0', 16) / count) * count;
  return Array.from({ length: count }, (_, i) => `${whole}${hex(first + i, 1)}`);
};

const digitsOfV4 = (address: string): string | undefined => {
  const parts = address.split('.');
  const isRight =
    parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && +part < 256);
  return isRight ? parts.map((part) => hex(Number(part), 2)).join('') : undefined;
};

const digitsOfV6 = (address: string): string | undefined => {
  if (!/^[0-9a-fA-F:]+$/.test(address) || address.includes(':::')) return undefined;
  const halves = address.split('::');
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) return undefined;
  const all = [...head, ...Array.from({ length: missing }, () => '0'), ...tail];
  return all.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))
    ? all.map((part) => hex(Number.parseInt(part, 16), 4)).join('')
    : undefined;
};

const hex = (value: number, digits: number): string =>
  value.toString(16).toUpperCase().padStart(digits, '0');
