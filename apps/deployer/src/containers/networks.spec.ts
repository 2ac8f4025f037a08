import { describe, expect, it } from 'vitest';
import { freeSubnets } from './networks.js';

describe('subnets for team networks', () => {
  const first = (name: string, used: string[]): string | undefined => {
    for (const subnet of freeSubnets(name, used)) return subnet;
    return undefined;
  };

  it('are 256 addresses from a block of their own', () => {
    expect(first('p-t1', [])).toMatch(/^10\.(1[7-9]\d|2[0-3]\d)\.\d+\.0\/24$/);
  });
  it('overlap with nothing that is there, however it is cut', () => {
    const wanted = first('p-t1', []) ?? '';
    const next = first('p-t1', [wanted]);
    expect(next).not.toBe(wanted);
    expect(first('p-t1', [wanted.replace('.0/24', '.128/25')])).toBe(next);
    expect(first('p-t1', ['172.17.0.0/16', 'fd00::/64'])).toBe(wanted);
  });
  it('end when everything is taken', () => {
    expect(first('p-t1', ['10.0.0.0/8'])).toBeUndefined();
  });
});
