import { describe, expect, it } from 'vitest';
import {
  parseCpuMax,
  parseFlatKeyed,
  parseLimit,
  parseMountInfo,
  parseNetDev,
  parseProcCgroup,
} from './parse.js';
import { coresInUse } from './rates.js';
import type { Sample } from './sample.js';

describe('reading kernel files', () => {
  it('takes keyed values wherever they stand', () => {
    expect(parseFlatKeyed('anon 4096\nfile 8192\ninactive_file 12\n')).toEqual({
      anon: 4096,
      file: 8192,
      inactive_file: 12,
    });
  });
  it('knows every way to say no limit', () => {
    expect(parseLimit('max\n')).toBeNull();
    expect(parseLimit('9223372036854771712\n')).toBeNull();
    expect(parseLimit('536870912\n')).toBe(536_870_912);
  });
  it('reads a CPU limit in cores', () => {
    expect(parseCpuMax('50000 100000\n')).toBe(0.5);
    expect(parseCpuMax('max 100000\n')).toBeNull();
  });
  it('finds controllers that are mounted apart, joined, or unified', () => {
    const paths = parseProcCgroup(
      '5:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n0::/docker/abc\n',
    );
    expect(paths.get('cpuacct')).toBe('/docker/abc');
    expect(paths.get('')).toBe('/docker/abc');
    const mounts = parseMountInfo(
      [
        '30 25 0:26 / /sys/fs/cgroup/cpu rw,nosuid shared:9 - cgroup cgroup rw,cpu',
        '36 25 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
        '22 1 8:1 / / rw - ext4 /dev/sda1 rw',
      ].join('\n'),
    );
    expect(mounts).toEqual([
      { version: 1, mountPoint: '/sys/fs/cgroup/cpu', root: '/', controllers: ['rw', 'cpu'] },
      { version: 2, mountPoint: '/sys/fs/cgroup/unified', root: '/', controllers: [] },
    ]);
  });
  it('adds all interfaces but loopback', () => {
    const text = [
      'Inter-|   Receive                                                |  Transmit',
      ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets',
      '    lo:    9999       1    0    0    0     0          0         0     9999       1',
      '  eth0:    1000       5    0    0    0     0          0         0     2000       6',
      '  eth1: 1 5 0 0 0 0 0 0 2 6',
    ].join('\n');
    expect(parseNetDev(text)).toEqual({ receivedBytes: 1001, sentBytes: 2002 });
  });
});

describe('cores in use', () => {
  const at = (atMs: number, cpuSeconds: number): Sample => ({ atMs, cpuSeconds }) as Sample;
  it('is unknown at the first look and after the counter started anew', () => {
    expect(coresInUse(undefined, at(1000, 1))).toBeNull();
    expect(coresInUse(at(1000, 5), at(2000, 0.1))).toBeNull();
  });
  it('is CPU time over time', () => {
    expect(coresInUse(at(1000, 1), at(3000, 2))).toBe(0.5);
  });
});
