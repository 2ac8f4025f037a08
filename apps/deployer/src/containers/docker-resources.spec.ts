import { DEFAULT_SETTINGS } from '@shiplog/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../testing/plan-input.js';
import {
  toEngineIoWeight,
  toEngineLimits,
  toEngineSurroundings,
  toLimits,
} from './docker-resources.js';
import { wholeDisk } from './engine-disk.js';
import { isEnforced } from './plan-limits.js';

const MB = 1024 * 1024;

describe('limits as Docker takes and tells them', () => {
  it('come back as they went, as near as Docker counts', () => {
    const limits = fc.record({
      memoryBytes: fc.integer({ min: 6 * MB, max: 2 ** 40 }),
      memoryReservationBytes: fc.integer({ min: 6 * MB, max: 2 ** 40 }),
      cpus: fc.double({ min: 0.01, max: 256, noNaN: true }),
      cpuReservation: fc.double({ min: 0.01, max: 256, noNaN: true }),
      pids: fc.integer({ min: 1, max: 1_000_000 }),
      ioWeight: fc.integer({ min: 10, max: 1000 }),
    });
    fc.assert(
      fc.property(limits, (wanted) => {
        const told = toLimits({ ...toEngineLimits(wanted), ...toEngineIoWeight(wanted) });
        expect(isEnforced(told, wanted)).toBe(true);
        expect(isEnforced({ ...told, pids: told.pids + 1 }, wanted)).toBe(false);
      }),
    );
  });

  it('of a container that was made without reservations are those that it is treated by', () => {
    const old = { Memory: 512 * MB, NanoCpus: 1e9, PidsLimit: 512, CpuShares: 0, BlkioWeight: 0 };
    expect(toLimits(old)).toEqual(LIMITS);
  });
});

describe('surroundings as Docker takes them', () => {
  it('leave everything to the engine by default, but /dev/shm', () => {
    const { ShmSize, ReadonlyRootfs, ...rest } = toEngineSurroundings(DEFAULT_SETTINGS, null);
    expect({ ShmSize, ReadonlyRootfs }).toEqual({ ShmSize: 64 * MB, ReadonlyRootfs: false });
    expect(Object.values(rest).every((value) => Object.keys(value).length === 0)).toBe(true);
    expect(rest).not.toHaveProperty('Runtime');
  });
});

describe('the disk of a partition', () => {
  it.each([
    ['../../devices/pci0000:00/0000:00:02.0/virtio1/block/vda', 'vda'],
    ['../../devices/pci0000:00/0000:00:1f.2/ata1/host0/block/sda/sda3', 'sda'],
    ['../../devices/pci0000:00/nvme/nvme0/block/nvme0n1/nvme0n1p2', 'nvme0n1'],
    ['../../devices/virtual/block/dm-0', 'dm-0'],
  ])('%s', (link, disk) => {
    expect(wholeDisk(link)).toBe(disk);
  });
});
