import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseMountInfo, parseProcCgroup, type CgroupMount } from './parse.js';

/** Where the figures of one container lie. Found once per start of it; the paths do not change after. */
export interface CgroupPaths {
  readonly version: 1 | 2;
  readonly cpu: string;
  readonly cpuAccounting: string;
  readonly memory: string;
  readonly pids: string;
  /** Any process in the container: its network counters are those of the container. */
  readonly netDev: string;
}

export type CgroupVersion = '1' | '2' | 'hybrid';

export interface CgroupHost {
  readonly version: CgroupVersion;
  readonly mounts: readonly CgroupMount[];
  /** Root of the file system that is read: `/`, or a fixture in tests. */
  readonly root: string;
}

/** What this host mounts. Controllers may be mounted apart, joined, or under the unified hierarchy. */
export const readCgroupHost = async (root = '/'): Promise<CgroupHost> => {
  const mounts = parseMountInfo(await readFile(join(root, 'proc/self/mountinfo'), 'utf8'));
  const hasV1 = mounts.some((mount) => mount.version === 1 && mount.controllers.includes('memory'));
  const hasV2 = mounts.some((mount) => mount.version === 2);
  return { version: hasV1 ? (hasV2 ? 'hybrid' : '1') : '2', mounts, root };
};

/**
 * Resolves per controller: /proc/<pid>/cgroup may show another path for each. Read at once, as samples are:
 * the kernel makes these files in microseconds, and a thread pool takes ten times as long to ask it.
 */
export const locateCgroup = (host: CgroupHost, pid: number): CgroupPaths => {
  const paths = parseProcCgroup(readFileSync(join(host.root, `proc/${pid}/cgroup`), 'utf8'));
  const netDev = join(host.root, `proc/${pid}/net/dev`);
  if (host.version === '2') {
    const mount = host.mounts.find(({ version }) => version === 2);
    const folder = folderOf(host, mount, paths.get('') ?? '/');
    return { version: 2, cpu: folder, cpuAccounting: folder, memory: folder, pids: folder, netDev };
  }
  const of = (controller: string): string => {
    const mount = host.mounts.find((m) => m.version === 1 && m.controllers.includes(controller));
    return folderOf(host, mount, paths.get(controller) ?? '/');
  };
  return {
    version: 1,
    cpu: of('cpu'),
    cpuAccounting: of('cpuacct'),
    memory: of('memory'),
    pids: of('pids'),
    netDev,
  };
};

/** Seen from inside a container the mount shows a part of the hierarchy: its root is cut off the path. */
const folderOf = (host: CgroupHost, mount: CgroupMount | undefined, path: string): string => {
  if (mount === undefined) return join(host.root, 'sys/fs/cgroup', path);
  const inside =
    mount.root !== '/' && path.startsWith(mount.root) ? path.slice(mount.root.length) : path;
  return join(host.root, mount.mountPoint, inside);
};
