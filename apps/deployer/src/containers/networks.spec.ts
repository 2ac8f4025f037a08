import { describe, expect, it } from 'vitest';
import { AddressAllocator, freeSubnets, layoutOf, ownRangeOf } from './networks.js';

describe('subnets for team networks', () => {
  const first = (name: string, used: string[]): string | undefined => {
    for (const subnet of freeSubnets(name, used)) return subnet;
    return undefined;
  };

  it('are 1024 addresses from a block of their own', () => {
    expect(first('p-t1', [])).toMatch(/^10\.(1[7-9]\d|2[0-3]\d)\.\d+\.0\/22$/);
  });
  it('overlap with nothing that is there, however it is cut', () => {
    const wanted = first('p-t1', []) ?? '';
    const next = first('p-t1', [wanted]);
    expect(next).not.toBe(wanted);
    expect(first('p-t1', [wanted.replace('.0/22', '.128/25')])).toBe(next);
    expect(first('p-t1', ['172.17.0.0/16', 'fd00::/64'])).toBe(wanted);
  });
  it('end when everything is taken', () => {
    expect(first('p-t1', ['10.0.0.0/8'])).toBeUndefined();
  });
});

describe('the addresses of a team network', () => {
  const layout = layoutOf('10.200.4.0/22');
  const range = { from: '10.200.5.0', to: '10.200.7.253', resolver: '10.200.7.254' };

  it('are divided between the engine and us', () => {
    expect(layout).toEqual({
      Subnet: '10.200.4.0/22',
      IPRange: '10.200.4.0/24',
      Gateway: '10.200.4.1',
    });
    expect(ownRangeOf(layout)).toEqual(range);
  });
  it("are all the engine's in a network of another shape", () => {
    expect(ownRangeOf({ Subnet: '10.200.4.0/24', IPRange: '' })).toBeNull();
    expect(ownRangeOf({ Subnet: '10.200.4.0/24', IPRange: '10.200.4.0/24' })).toBeNull();
    expect(ownRangeOf({ Subnet: '10.200.4.0/22', IPRange: '10.200.5.0/24' })).toBeNull();
    expect(ownRangeOf({ Subnet: '', IPRange: '' })).toBeNull();
  });
  it('are given out one after the other, after the newest', () => {
    const addresses = new AddressAllocator();
    expect(addresses.allocate(range, new Set(['10.1.1.1', '10.200.6.255']))).toBe('10.200.7.0');
    expect(addresses.allocate(range, new Set())).toBe('10.200.7.1');
  });
  it('come back only after all others were used', () => {
    const addresses = new AddressAllocator(() => 0.5);
    const held = '10.200.6.9';
    const given = Array.from({ length: 765 }, () => addresses.allocate(range, new Set([held])));
    expect(new Set(given).size).toBe(765);
    expect(given).not.toContain(held);
    expect(addresses.allocate(range, new Set([held]))).toBe(given[0]);
  });
  it('end when all are held', () => {
    const two = { from: '10.200.5.0', to: '10.200.5.1', resolver: '10.200.5.2' };
    expect(new AddressAllocator().allocate(two, new Set(['10.200.5.0', '10.200.5.1']))).toBeNull();
  });
});
