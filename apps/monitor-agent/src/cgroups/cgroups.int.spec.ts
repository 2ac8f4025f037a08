import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { locateCgroup, readCgroupHost } from './locate.js';
import { takeSample } from './sample.js';

const machineOf = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const root = await mkdtemp(join(tmpdir(), 'cgroups-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(root, name, '..'), { recursive: true });
    await writeFile(join(root, name), text);
  }
  return root;
};

describe('a machine with cgroup v1', () => {
  it('is read from hierarchies that are mounted apart, the unified one beside them', async () => {
    const v1 = ['cpu', 'cpuacct', 'memory', 'pids'].map(
      (name, i) => `3${i} 25 0:2${i} / /sys/fs/cgroup/${name} rw - cgroup cgroup rw,${name}`,
    );
    const root = await machineOf({
      'proc/self/mountinfo': [...v1, '40 25 0:40 / /sys/fs/cgroup/unified rw - cgroup2 c rw'].join(
        '\n',
      ),
      'proc/7/cgroup':
        '4:pids:/docker/abc\n3:memory:/docker/abc\n2:cpuacct:/docker/abc\n1:cpu:/docker/abc\n0::/docker/abc\n',
      'proc/7/net/dev': 'a\nb\n eth0: 10 0 0 0 0 0 0 0 20 0\n',
      'sys/fs/cgroup/cpu/docker/abc/cpu.stat':
        'nr_periods 1\nnr_throttled 1\nthrottled_time 1000000000\n',
      'sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us': '50000\n',
      'sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us': '100000\n',
      'sys/fs/cgroup/cpuacct/docker/abc/cpuacct.usage': '2500000000\n',
      'sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes': '10485760\n',
      'sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': '9223372036854771712\n',
      'sys/fs/cgroup/memory/docker/abc/memory.stat':
        'cache 1\nrss 1\ntotal_cache 6291456\ntotal_rss 4194304\ntotal_inactive_file 2097152\n',
      'sys/fs/cgroup/memory/docker/abc/memory.oom_control':
        'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
      'sys/fs/cgroup/pids/docker/abc/pids.current': '12\n',
      'sys/fs/cgroup/pids/docker/abc/pids.max': '512\n',
    });
    const host = await readCgroupHost(root);
    expect(host.version).toBe('hybrid');
    expect(takeSample(locateCgroup(host, 7), 5)).toEqual({
      atMs: 5,
      cpuSeconds: 2.5,
      cpuThrottledSeconds: 1,
      cpuLimit: 0.5,
      memoryBytes: 10_485_760,
      workingSetBytes: 8_388_608,
      rssBytes: 4_194_304,
      cacheBytes: 6_291_456,
      memoryLimitBytes: null,
      oomKills: 2,
      pids: 12,
      pidsLimit: 512,
      receivedBytes: 10,
      sentBytes: 20,
    });
    await rm(root, { recursive: true });
  });
});

describe('a machine with cgroup v2', () => {
  it('is read from the unified hierarchy', async () => {
    const files: Record<string, string> = {
      'proc/self/mountinfo':
        '29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n',
      'proc/7/cgroup': '0::/system.slice/docker-abc.scope\n',
      'proc/7/net/dev': 'a\nb\n eth0: 10 0 0 0 0 0 0 0 20 0\n',
    };
    const scope = 'sys/fs/cgroup/system.slice/docker-abc.scope';
    const figures: Record<string, string> = {
      'cpu.stat': 'usage_usec 2500000\nuser_usec 1\nthrottled_usec 1000000\n',
      'cpu.max': '200000 100000\n',
      'memory.current': '10485760\n',
      'memory.max': 'max\n',
      'memory.stat': 'anon 4194304\nfile 6291456\ninactive_file 2097152\n',
      'memory.events': 'low 0\noom 3\noom_kill 2\n',
      'pids.current': '12\n',
      'pids.max': '512\n',
    };
    for (const [name, text] of Object.entries(figures)) files[`${scope}/${name}`] = text;
    const root = await machineOf(files);
    const host = await readCgroupHost(root);
    expect(host.version).toBe('2');
    const paths = locateCgroup(host, 7);
    expect(takeSample(paths, 5)).toEqual({
      atMs: 5,
      cpuSeconds: 2.5,
      cpuThrottledSeconds: 1,
      cpuLimit: 2,
      memoryBytes: 10_485_760,
      workingSetBytes: 8_388_608,
      rssBytes: 4_194_304,
      cacheBytes: 6_291_456,
      memoryLimitBytes: null,
      oomKills: 2,
      pids: 12,
      pidsLimit: 512,
      receivedBytes: 10,
      sentBytes: 20,
    });
    await rm(join(root, scope), { recursive: true });
    expect(takeSample(paths, 6)).toBeUndefined();
    await rm(root, { recursive: true });
  });
});
