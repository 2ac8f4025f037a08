/** Parsers of kernel files, by the kernel's names. Sources: cgroup-v2.rst, cgroup-v1/{memory,cpuacct,pids}.rst, proc(5). */

/** `key value` lines, such as memory.stat, cpu.stat, memory.events. */
export const parseFlatKeyed = (text: string): Readonly<Record<string, number>> => {
  const values: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) values[line.slice(0, space)] = Number(line.slice(space + 1));
  }
  return values;
};

/** One number; `max` and v1's "no limit" (the largest page-aligned signed 64-bit value) are null. */
export const parseLimit = (text: string): number | null => {
  const word = text.trim();
  if (word === 'max' || word === '' || word === '-1') return null;
  const value = Number(word);
  return value >= 2 ** 62 ? null : value;
};

/** cpu.max of v2: `<quota|max> <period>`, in cores. */
export const parseCpuMax = (text: string): number | null => {
  const [quota = 'max', period = '100000'] = text.trim().split(' ');
  return quota === 'max' ? null : Number(quota) / Number(period);
};

/** Hierarchy lines of /proc/<pid>/cgroup: controller → path. The unified (v2) hierarchy has the key ''. */
export const parseProcCgroup = (text: string): ReadonlyMap<string, string> => {
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, controllers, ...rest] = line.split(':');
    if (controllers === undefined || rest.length === 0) continue;
    for (const controller of controllers.split(',')) paths.set(controller, rest.join(':'));
  }
  return paths;
};

export interface CgroupMount {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** Path inside the hierarchy that is mounted there; `/` on a host. */
  readonly root: string;
  readonly controllers: readonly string[];
}

/** cgroup mounts of /proc/self/mountinfo (proc(5): optional fields end at the single `-`). */
export const parseMountInfo = (text: string): readonly CgroupMount[] =>
  text.split('\n').flatMap((line): CgroupMount[] => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '/', mountPoint = ''] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    if (type === 'cgroup2') return [{ version: 2, mountPoint, root, controllers: [] }];
    if (type !== 'cgroup') return [];
    return [{ version: 1, mountPoint, root, controllers: options.split(',') }];
  });

export interface NetworkCounters {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** /proc/<pid>/net/dev: all interfaces but loopback. */
export const parseNetDev = (text: string): NetworkCounters => {
  let receivedBytes = 0;
  let sentBytes = 0;
  for (const line of text.split('\n').slice(2)) {
    const colon = line.indexOf(':');
    if (colon < 0 || line.slice(0, colon).trim() === 'lo') continue;
    const fields = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/);
    receivedBytes += Number(fields[0] ?? 0);
    sentBytes += Number(fields[8] ?? 0);
  }
  return { receivedBytes, sentBytes };
};
