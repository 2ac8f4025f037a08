import { BlockList, isIP } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { networkPrefixes } from './networks.js';

const v4 = fc.ipV4();
const v6 = fc.ipV6().filter((address) => !address.includes('.'));

/** As a proxy spells it: without anything but its digits. */
const digitsOf = (address: string): string =>
  networkPrefixes(`${address}/${isIP(address) === 4 ? 32 : 128}`)[0] ?? '';

describe('the prefixes of a network', () => {
  it('are what its addresses begin with', () => {
    expect(networkPrefixes('10.0.0.0/8')).toEqual(['8/0A', `32/${'0'.repeat(20)}FFFF0A`]);
    expect(networkPrefixes('192.0.2.130/31').slice(0, 2)).toEqual(['8/C0000282', '8/C0000283']);
    expect(networkPrefixes('2001:db8::/33')).toHaveLength(8);
    expect(networkPrefixes('::/0')).toEqual(['32/']);
    expect(networkPrefixes('::1/128')).toEqual([`32/${'0'.repeat(31)}1`]);
  });

  it('hold an address exactly where the network does', () => {
    const near = fc.oneof(
      fc.tuple(v4, v4, fc.integer({ min: 0, max: 32 })),
      fc.tuple(v6, v6, fc.integer({ min: 0, max: 128 })),
      fc.tuple(v4, fc.integer({ min: 0, max: 32 })).map(([a, bits]) => [a, a, bits] as const),
      fc.tuple(v6, fc.integer({ min: 0, max: 128 })).map(([a, bits]) => [a, a, bits] as const),
    );
    fc.assert(
      fc.property(near, ([network, address, bits]) => {
        const family = isIP(network) === 4 ? 'ipv4' : 'ipv6';
        const list = new BlockList();
        list.addSubnet(network, bits, family);
        const digits = digitsOf(address);
        const isIn = networkPrefixes(`${network}/${bits}`).some((start) =>
          digits.startsWith(start),
        );
        expect(isIn).toBe(list.check(address, family));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    '',
    '1.2.3.4',
    '1.2.3/8',
    '1.2.3.4/33',
    '1.2.3.256/8',
    '::/129',
    ':::/8',
    '1::2::3/8',
    '1:2:3:4:5:6:7:8:9/8',
    'g::/8',
    '::1%lo/8',
    '1.2.3.4/8 x',
  ])('are none of %j', (text) => {
    expect(() => networkPrefixes(text)).toThrow('not a network');
  });
});
