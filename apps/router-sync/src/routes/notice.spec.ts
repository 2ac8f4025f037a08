import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressPrefixes, PREFIX_PATTERN } from './notice.js';

/** As the proxies find it: all digits of a client, with how many they are. */
const finds = (prefixes: readonly string[], client: string): boolean =>
  prefixes.some((prefix) => client.startsWith(prefix));
const v4 = (n: number): string => `8:${n.toString(16).toUpperCase().padStart(8, '0')}`;
const dotted = (n: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(n / 2 ** shift) % 256).join('.');

describe('addresses as beginnings of digits', () => {
  it.each([
    ['10.0.0.0/8', '8:0A'],
    ['10.0.0.0/14', '8:0A00'],
    ['127.0.0.1', '8:7F000001'],
    ['2001:db8::/32', '32:20010DB8'],
    ['::1', `32:${'0'.repeat(31)}1`],
    ['::ffff:10.0.0.1', `32:${'0'.repeat(20)}FFFF0A000001`],
  ])('of %s', (range, expected) => {
    expect(addressPrefixes([range])).toContain(expected);
  });

  it('find the clients within a range and no other, of any size', () => {
    const any = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(any, any, fc.integer({ min: 0, max: 32 }), (network, client, bits) => {
        const size = 2 ** (32 - bits);
        const base = Math.floor(network / size) * size;
        const prefixes = addressPrefixes([`${dotted(base)}/${bits}`]);
        for (const prefix of prefixes) expect(prefix).toMatch(PREFIX_PATTERN);
        for (const one of [client, base, base + size - 1])
          expect(finds(prefixes, v4(one))).toBe(one >= base && one < base + size);
      }),
    );
  });

  it.each([
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:a00:0/110', '10.0.0.0/14'],
    ['::FFFF:10.0.0.1', '10.0.0.1'],
  ])('of %s are those of %s', (mapped, range) => {
    expect(addressPrefixes([mapped])).toEqual(addressPrefixes([range]));
  });

  it('do not take IPv6 for IPv4', () => {
    expect(finds(addressPrefixes(['32.1.13.184']), '32:20010DB8000000000000000000000001')).toBe(
      false,
    );
  });
});
