import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { CgroupPaths } from './locate.js';
import { parseCpuMax, parseFlatKeyed, parseLimit, parseNetDev } from './parse.js';

/** What one look at the kernel's files says about a container. Counters grow since its start. */
export interface Sample {
  readonly atMs: number;
  readonly cpuSeconds: number;
  readonly cpuThrottledSeconds: number;
  /** Cores; null: no limit. */
  readonly cpuLimit: number | null;
  readonly memoryBytes: number;
  /** usage − inactive_file, as cAdvisor, kubelet and the docker client count it. */
  readonly workingSetBytes: number;
  readonly rssBytes: number;
  readonly cacheBytes: number;
  readonly memoryLimitBytes: number | null;
  readonly oomKills: number;
  readonly pids: number;
  readonly pidsLimit: number | null;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

const buffer = Buffer.allocUnsafe(64 * 1024);

/** Synchronous on purpose: these files are made by the kernel as they are read, in microseconds. */
const read = (path: string): string => {
  const file = openSync(path, 'r');
  try {
    return buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(file);
  }
};

/** Undefined when the container is gone. */
export const takeSample = (paths: CgroupPaths, atMs: number): Sample | undefined => {
  try {
    const network = parseNetDev(read(paths.netDev));
    const figures = paths.version === 2 ? readV2(paths) : readV1(paths);
    return { atMs, ...figures, ...network };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ESRCH and ENODEV: the process or its cgroup ended between opening and reading.
    if (code === 'ENOENT' || code === 'ENODEV' || code === 'ESRCH' || code === 'EINVAL')
      return undefined;
    throw error;
  }
};

type Figures = Omit<Sample, 'atMs' | 'receivedBytes' | 'sentBytes'>;

const readV2 = ({ memory: folder }: CgroupPaths): Figures => {
  const cpu = parseFlatKeyed(read(join(folder, 'cpu.stat')));
  const stat = parseFlatKeyed(read(join(folder, 'memory.stat')));
  const events = parseFlatKeyed(read(join(folder, 'memory.events')));
  const memoryBytes = Number(read(join(folder, 'memory.current')));
  return {
    cpuSeconds: (cpu['usage_usec'] ?? 0) / 1e6,
    cpuThrottledSeconds: (cpu['throttled_usec'] ?? 0) / 1e6,
    cpuLimit: parseCpuMax(read(join(folder, 'cpu.max'))),
    memoryBytes,
    workingSetBytes: Math.max(0, memoryBytes - (stat['inactive_file'] ?? 0)),
    rssBytes: stat['anon'] ?? 0,
    cacheBytes: stat['file'] ?? 0,
    memoryLimitBytes: parseLimit(read(join(folder, 'memory.max'))),
    oomKills: events['oom_kill'] ?? 0,
    pids: Number(read(join(folder, 'pids.current'))),
    pidsLimit: parseLimit(read(join(folder, 'pids.max'))),
  };
};

const readV1 = (paths: CgroupPaths): Figures => {
  const throttle = parseFlatKeyed(read(join(paths.cpu, 'cpu.stat')));
  const stat = parseFlatKeyed(read(join(paths.memory, 'memory.stat')));
  const oom = parseFlatKeyed(read(join(paths.memory, 'memory.oom_control')));
  const quota = Number(read(join(paths.cpu, 'cpu.cfs_quota_us')));
  const period = Number(read(join(paths.cpu, 'cpu.cfs_period_us')));
  const memoryBytes = Number(read(join(paths.memory, 'memory.usage_in_bytes')));
  return {
    cpuSeconds: Number(read(join(paths.cpuAccounting, 'cpuacct.usage'))) / 1e9,
    cpuThrottledSeconds: (throttle['throttled_time'] ?? 0) / 1e9,
    cpuLimit: quota > 0 ? quota / period : null,
    memoryBytes,
    workingSetBytes: Math.max(0, memoryBytes - (stat['total_inactive_file'] ?? 0)),
    rssBytes: stat['total_rss'] ?? 0,
    cacheBytes: stat['total_cache'] ?? 0,
    memoryLimitBytes: parseLimit(read(join(paths.memory, 'memory.limit_in_bytes'))),
    oomKills: oom['oom_kill'] ?? 0,
    pids: Number(read(join(paths.pids, 'pids.current'))),
    pidsLimit: parseLimit(read(join(paths.pids, 'pids.max'))),
  };
};
