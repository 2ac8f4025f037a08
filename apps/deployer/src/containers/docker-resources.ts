import type { HostConfig } from 'dockerode';
import type { Limits } from '@shiplog/events';
import type { Surroundings } from './container-engine.port.js';

/** Docker's measure of a CPU's worth when CPUs are short. */
const SHARES_PER_CPU = 1024;
/** Shares and weights that were never set are told as 0, and are these. */
const DEFAULT_SHARES = 1024;
const DEFAULT_IO_WEIGHT = 500;

/** Everything is said each time: an update of Docker leaves alone what is left out, and what is 0. */
export const toEngineLimits = (limits: Limits) => ({
  Memory: limits.memoryBytes,
  // No swap beside it: what is above the limit is out of memory at once, not slow for minutes.
  MemorySwap: limits.memoryBytes,
  MemoryReservation: limits.memoryReservationBytes,
  NanoCpus: Math.round(limits.cpus * 1e9),
  CpuShares: sharesOf(limits.cpuReservation),
  PidsLimit: limits.pids,
});

/** Apart from the rest: kernels that cannot weigh are said so only when it is asked of them. */
export const toEngineIoWeight = ({ ioWeight }: Limits) => ({ BlkioWeight: ioWeight });

export const isDefaultIoWeight = ({ ioWeight }: Limits): boolean => ioWeight === DEFAULT_IO_WEIGHT;

const sharesOf = (cpus: number): number => Math.max(2, Math.round(cpus * SHARES_PER_CPU));

export const toLimits = (host: HostConfig): Limits => {
  const memoryBytes = host.Memory ?? 0;
  return {
    memoryBytes,
    memoryReservationBytes: host.MemoryReservation || memoryBytes,
    cpus: (host.NanoCpus ?? 0) / 1e9,
    cpuReservation: (host.CpuShares || DEFAULT_SHARES) / SHARES_PER_CPU,
    pids: host.PidsLimit ?? 0,
    ioWeight: host.BlkioWeight || DEFAULT_IO_WEIGHT,
  };
};

/** Must the engine's disk be known for it? */
export const limitsDisk = (of: Surroundings): boolean =>
  [of.ioReadBps, of.ioWriteBps, of.ioReadIops, of.ioWriteIops].some((rate) => rate !== null);

export const toEngineSurroundings = (of: Surroundings, disk: string | null) => {
  const rates = (rate: number | null) =>
    rate === null || disk === null ? [] : [{ Path: disk, Rate: rate }];
  return {
    BlkioDeviceReadBps: rates(of.ioReadBps),
    BlkioDeviceWriteBps: rates(of.ioWriteBps),
    BlkioDeviceReadIOps: rates(of.ioReadIops),
    BlkioDeviceWriteIOps: rates(of.ioWriteIops),
    Ulimits: Object.entries(of.ulimits).map(([name, { soft, hard }]) => ({
      Name: name,
      Soft: soft,
      Hard: hard,
    })),
    ShmSize: of.shmBytes,
    ReadonlyRootfs: of.readOnlyRoot,
    // Whoever the program runs as can write there, as in the /tmp of any machine.
    Tmpfs: Object.fromEntries(
      of.tmpfs.map(({ path, sizeBytes }) => [
        path,
        `rw,nosuid,nodev,noexec,mode=1777,size=${sizeBytes}`,
      ]),
    ),
    ...(of.runtime === null ? {} : { Runtime: of.runtime }),
  };
};
