import { describe, expect, it } from 'vitest';
import { PortAllocator, sliceOf } from './ports.js';

const allocator = (isFree: (port: number) => boolean = () => true, now = { ms: 0 }) =>
  new PortAllocator(
    { from: 20_000, to: 20_003 },
    { isFree: (port) => Promise.resolve(isFree(port)), nowMs: () => now.ms, random: () => 0.5 },
  );

describe('choosing a port', () => {
  it('goes round its range, so that a port rests before it is used again', async () => {
    const ports = allocator();
    const given = [];
    for (let i = 0; i < 5; i += 1) given.push(await ports.allocate(new Set()));
    expect(given).toEqual([20_002, 20_003, 20_000, 20_001, 20_002]);
  });
  it('skips what instances hold and what others listen on', async () => {
    const ports = allocator((port) => port !== 20_003);
    expect(await ports.allocate(new Set([20_002]))).toBe(20_000);
  });
  it('does not offer a refused port again for a while', async () => {
    const now = { ms: 0 };
    const ports = allocator(() => true, now);
    ports.refuse(20_002);
    expect(await ports.allocate(new Set())).toBe(20_003);
    now.ms = 700_000;
    expect(await ports.allocate(new Set([20_000, 20_001, 20_003]))).toBe(20_002);
  });
  it('says so when there is none', async () => {
    await expect(allocator(() => false).allocate(new Set())).rejects.toMatchObject({
      code: 'port-taken',
      said: 'no port between 20000 and 20003 is free',
    });
  });
  it('begins elsewhere for another platform', () => {
    expect(sliceOf('shiplog')).not.toEqual(sliceOf('staging'));
    expect(sliceOf('shiplog').from).toBeGreaterThanOrEqual(20_000);
  });
});
