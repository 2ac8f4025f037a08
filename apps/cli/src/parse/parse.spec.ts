import { parseLimits } from './limits.js';
import { describe, expect, it } from 'vitest';
import { parseDotenv } from './dotenv.js';
import { parseMoment } from './moment.js';
import { parsePairs } from './pairs.js';
import { parseBytes, parseInteger, parseSeconds } from './quantity.js';
import { parseSetting } from './setting.js';

describe('a dotenv file', () => {
  it.each<[string, string, Record<string, string>]>([
    ['plain values', 'A=1\nB=two words \n', { A: '1', B: 'two words' }],
    ['empty values', 'A=\nB=""\nC=\n', { A: '', B: '', C: '' }],
    ['export, blanks and comments', '# x\n\n  export A = 1 # one\n', { A: '1' }],
    ['a # that is no comment', 'A=a#b\nB="x # y" # z', { A: 'a#b', B: 'x # y' }],
    ['single quotes as they are', 'A=\'$x \\n "q"\'', { A: '$x \\n "q"' }],
    ['escapes in double quotes', 'A="a\\nb\\t\\"c\\" \\\\ \\$d \\q"', { A: 'a\nb\t"c" \\ $d \\q' }],
    [
      'values of several lines',
      'KEY="-----BEGIN\nx\n-----END"\nB=1',
      { KEY: '-----BEGIN\nx\n-----END', B: '1' },
    ],
    ['Windows line ends and a byte order mark', '\ufeffA=1\r\nB="2"\r\n', { A: '1', B: '2' }],
    ['= in a value', 'URL=postgres://u:p@h/d?x=1&y=2', { URL: 'postgres://u:p@h/d?x=1&y=2' }],
    ['no expansion', 'A=$HOME ${B} `c`', { A: '$HOME ${B} `c`' }],
    ['the last one of equal keys', 'A=1\nA=2', { A: '2' }],
  ])('takes %s', (_what, text, pairs) => {
    expect(parseDotenv(text)).toEqual(pairs);
  });

  it.each([
    ['A=1\nnonsense secret\n', /line 2 is not of the form KEY=value/],
    ['1A=x', /line 1/],
    ['A=1\nB="open\nC=2', /line 2: the value of B has no closing "/],
    ['A="x" y', /line 1: something follows the closing " of A/],
  ])('is refused with the line that is wrong: %j', (text, message) => {
    expect(() => parseDotenv(text)).toThrow(message);
  });

  it('never repeats what may be a secret', () => {
    expect(() => parseDotenv('hunter2 is my password')).toThrow(/^(?!.*hunter2)/);
  });
});

describe('a moment', () => {
  const now = Date.UTC(2026, 10, 21, 12);
  it.each([
    ['00000000000000000042-0001', '00000000000000000042-0001'],
    ['00000000000000000042', '00000000000000000042'],
    ['42', '42'],
    ['2026-11-21T10:00:00Z', '2026-11-21T10:00:00.000Z'],
    ['2026-11-20', '2026-11-20T00:00:00.000Z'],
    ['10m', '2026-11-21T11:50:00.000Z'],
    ['2h ago', '2026-11-21T10:00:00.000Z'],
    ['3d', '2026-11-18T12:00:00.000Z'],
  ])('%s is %s', (text, moment) => {
    expect(parseMoment(text, now)).toBe(moment);
  });

  it.each(['', 'yesterday', '-10', '2026-13-45', '2026-02-30T10:00', '10 parsecs', '9'.repeat(21)])(
    '"%s" is none',
    (text) => {
      expect(() => parseMoment(text, now)).toThrow(/is not a moment/);
    },
  );
});

describe('a quantity', () => {
  it('of time', () => {
    expect(['90', '90s', '5m', '2h', '30d'].map((text) => parseSeconds('x', text))).toEqual([
      90, 90, 300, 7200, 2_592_000,
    ]);
    expect(() => parseSeconds('drain', '5 weeks')).toThrow('drain: "5 weeks" is not a duration');
  });

  it('of memory', () => {
    expect(
      ['6291456', '256M', '256MiB', '1.5g', '1kb'].map((text) => parseBytes('x', text)),
    ).toEqual([6_291_456, 268_435_456, 268_435_456, 1_610_612_736, 1024]);
    expect(() => parseBytes('memory', '-1')).toThrow('memory: "-1" is not a size');
  });

  it('of things', () => {
    const parse = parseInteger('--tail', 0, 10);
    expect(parse('10')).toBe(10);
    for (const text of ['-1', '11', '1.5', 'x', '', '1e1'])
      expect(() => parse(text)).toThrow('--tail');
  });
});

describe('settings', () => {
  it.each([
    ['port', '3000', { port: 3000 }],
    ['port', 'auto', { port: null }],
    ['health-path', '/ready', { healthPath: '/ready' }],
    ['health-path', 'none', { healthPath: null }],
    ['memory', '256M', { memoryBytes: 268_435_456 }],
    ['cpus', '0.5', { cpus: 0.5 }],
    ['memory-reservation', 'none', { memoryReservationBytes: null }],
    ['cpu-reservation', '0.25', { cpuReservation: 0.25 }],
    ['io-weight', '300', { ioWeight: 300 }],
    ['io-read', '10M', { ioReadBps: 10_485_760 }],
    ['io-write-ops', 'none', { ioWriteIops: null }],
    [
      'ulimits',
      'nofile=1024:4096,nproc=100',
      {
        ulimits: { nofile: { soft: 1024, hard: 4096 }, nproc: { soft: 100, hard: 100 } },
      },
    ],
    ['ulimits', 'none', { ulimits: {} }],
    ['shm', '128M', { shmBytes: 134_217_728 }],
    ['protocol', 'h2c', { protocol: 'h2c' }],
    ['read-only', 'on', { readOnlyRoot: true }],
    [
      'tmpfs',
      '/tmp:64M,/run:4k',
      {
        tmpfs: [
          { path: '/tmp', sizeBytes: 67_108_864 },
          { path: '/run', sizeBytes: 4096 },
        ],
      },
    ],
    ['stop-first', 'worker,mailer', { stopFirst: ['worker', 'mailer'] }],
    ['stop-first', 'none', { stopFirst: [] }],
    ['runtime', 'runsc', { runtime: 'runsc' }],
    ['start-timeout', '2m', { startTimeoutSeconds: 120 }],
    ['drain', '0', { drainSeconds: 0 }],
  ])('%s=%s', (name, text, change) => {
    expect(parseSetting(name, text)).toEqual(change);
  });

  it.each([
    ['port', '70000'],
    ['protocol', 'grpc'],
    ['port', '-1'],
    ['health-path', 'ready'],
    ['cpus', 'many'],
    ['io-weight', '9'],
    ['ulimits', 'nofile'],
    ['ulimits', 'nofile=-1'],
    ['read-only', 'maybe'],
    ['tmpfs', '/tmp'],
    ['tmpfs', 'tmp:1M'],
    ['prot', '1'],
    ['constructor', '1'],
  ])('%s=%s is refused', (name, text) => {
    expect(() => parseSetting(name, text)).toThrow();
  });
});

describe('limits of one process type', () => {
  const MB = 1024 * 1024;
  it.each([
    ['512M,1cpu', { memoryBytes: 512 * MB, cpus: 1 }, []],
    ['0.5cpus,200pids', { cpus: 0.5, pids: 200 }, []],
    ['1.5g', { memoryBytes: 1536 * MB }, []],
    [
      'memory:64M,memory-reservation:none',
      { memoryBytes: 64 * MB, memoryReservationBytes: null },
      [],
    ],
    [
      'default,io-weight:100,pids:9,2cpu',
      { ioWeight: 100, pids: 9, cpus: 2 },
      ['memoryBytes', 'memoryReservationBytes', 'cpuReservation'],
    ],
  ])('%s', (text, set, unset) => {
    expect(parseLimits(text)).toEqual({ set, unset });
  });

  it.each(['', '512', 'cpu', 'memroy:1G', 'shm:1M', '1cpu,', 'pids:0'])('%s is refused', (text) => {
    expect(() => parseLimits(text)).toThrow();
  });
});

describe('key=value words', () => {
  it('are cut at the first "="', () => {
    expect(parsePairs(['A=b=c', 'D='], 'x')).toEqual([
      ['A', 'b=c'],
      ['D', ''],
    ]);
  });

  it('do not repeat a long word that may be a secret', () => {
    expect(() => parsePairs(['sk_live_0123456789abcdefghij'], 'x')).toThrow('"sk_l…"');
  });
});
