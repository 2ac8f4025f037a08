import { usageError } from '../exit-code.js';
import { orAutomatic, parseBytes, parseInteger } from './quantity.js';
import type { Setting } from './setting-text.js';

const bytes =
  (name: string) =>
  (text: string): number =>
    parseBytes(name, text);

const cores =
  (name: string) =>
  (text: string): number => {
    if (/^\d{1,3}(?:\.\d{1,3})?$/.test(text)) return Number(text);
    throw usageError(`${name}: "${text}" is not a number of cores`, 'Write for example 0.5 or 2.');
  };

/** What may be another for each process type; `resize` takes these names, too. */
export const LIMIT_SETTINGS = {
  memory: {
    field: 'memoryBytes',
    help: 'memory of one instance; changes while it runs',
    parse: bytes('memory'),
  },
  'memory-reservation': {
    field: 'memoryReservationBytes',
    help: 'memory it keeps when the machine is short of it; none: all of its limit',
    parse: orAutomatic(bytes('memory-reservation')),
  },
  cpus: {
    field: 'cpus',
    help: 'cores of one instance, 0.5 is half of one; changes while it runs',
    parse: cores('cpus'),
  },
  'cpu-reservation': {
    field: 'cpuReservation',
    help: 'cores it gets when all want more than there is; none: as many as its limit',
    parse: orAutomatic(cores('cpu-reservation')),
  },
  pids: {
    field: 'pids',
    help: 'processes and threads of one instance; changes while it runs',
    parse: parseInteger('pids', 1, 1_000_000),
  },
  'io-weight': {
    field: 'ioWeight',
    help: 'its share of a busy disk, 10 to 1000; changes while it runs',
    parse: parseInteger('io-weight', 10, 1000),
  },
} as const satisfies Readonly<Record<string, Setting>>;

export const RESOURCES = {
  ...LIMIT_SETTINGS,
  'io-read': {
    field: 'ioReadBps',
    help: 'bytes it may read from disk in a second; none: no limit',
    parse: orAutomatic(bytes('io-read')),
  },
  'io-write': {
    field: 'ioWriteBps',
    help: 'bytes it may write to disk in a second; none: no limit',
    parse: orAutomatic(bytes('io-write')),
  },
  'io-read-ops': {
    field: 'ioReadIops',
    help: 'reads from disk in a second; none: no limit',
    parse: orAutomatic(parseInteger('io-read-ops', 1, 1_000_000_000)),
  },
  'io-write-ops': {
    field: 'ioWriteIops',
    help: 'writes to disk in a second; none: no limit',
    parse: orAutomatic(parseInteger('io-write-ops', 1, 1_000_000_000)),
  },
  ulimits: {
    field: 'ulimits',
    help: 'all of them, as nofile=1024:4096,nproc=100; none',
    parse: (text) => Object.fromEntries(listOf(text).map(ulimit)),
  },
  shm: { field: 'shmBytes', help: 'size of /dev/shm', parse: bytes('shm') },
  'read-only': {
    field: 'readOnlyRoot',
    help: 'on: it can write to tmpfs only; off',
    parse: (text) => {
      if (['on', 'true', 'yes'].includes(text)) return true;
      if (['off', 'false', 'no'].includes(text)) return false;
      throw usageError(`read-only: "${text}" is neither on nor off`);
    },
  },
  tmpfs: {
    field: 'tmpfs',
    help: 'all directories in memory, as /tmp:64M,/run:16M; none',
    parse: (text) => listOf(text).map(tmpfs),
  },
  'stop-first': {
    field: 'stopFirst',
    help: 'process types of which no two may run at once, as worker,mailer: the old one stops before the new one starts, with an outage in between; none',
    parse: (text) => [...listOf(text)],
  },
  runtime: {
    field: 'runtime',
    help: 'container runtime by the name the engine knows, such as runsc; none: its default',
    parse: orAutomatic((text) => text),
  },
} as const satisfies Readonly<Record<string, Setting>>;

const listOf = (text: string): readonly string[] =>
  ['none', ''].includes(text) ? [] : text.split(',');

const ulimit = (word: string): readonly [string, { soft: number; hard: number }] => {
  const [, name, soft, hard] = /^([a-z]{1,20})=(\d{1,15})(?::(\d{1,15}))?$/.exec(word) ?? [];
  if (name === undefined) {
    throw usageError(
      `ulimits: "${word}" is not a limit`,
      'Write for example nofile=1024:4096 (soft:hard), or nproc=100 for both.',
    );
  }
  return [name, { soft: Number(soft), hard: Number(hard ?? soft) }];
};

const tmpfs = (word: string): { path: string; sizeBytes: number } => {
  const [, path, size] = /^(\/[^:]*):([^:]+)$/.exec(word) ?? [];
  if (path === undefined || size === undefined) {
    throw usageError(
      `tmpfs: "${word}" is not a directory and a size`,
      'Write for example /tmp:64M.',
    );
  }
  return { path, sizeBytes: parseBytes('tmpfs', size) };
};
