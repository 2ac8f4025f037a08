import { describe, expect, it } from 'vitest';
import { parseCheck, parseCheckName } from './check.js';
import { parseMilliseconds } from './quantity.js';

describe('the name of a health check', () => {
  it('is a process type and a probe', () => {
    expect(parseCheckName('web.readiness')).toEqual({ process: 'web', probe: 'readiness' });
    expect(parseCheckName('memory')).toBeUndefined();
    expect(() => parseCheckName('web.ready')).toThrow(/no health check "web.ready"/);
    expect(() => parseCheckName('web.readiness.path')).toThrow(/no health check/);
  });
});

describe('a health check', () => {
  const parse = (text: string) => parseCheck('web.readiness', text);

  it.each([
    ['http /up', { kind: 'http', path: '/up' }],
    [
      'http /up?full=1 status=200,204 interval=500ms timeout=1.5s failures=3 successes=2 delay=1m',
      {
        kind: 'http',
        path: '/up?full=1',
        status: '200,204',
        intervalMs: 500,
        timeoutMs: 1500,
        failures: 3,
        successes: 2,
        delayMs: 60_000,
      },
    ],
    ['tcp', { kind: 'tcp' }],
    ['none', { kind: 'none' }],
    ['default', null],
    [
      'command test -f /tmp/ok interval=10s',
      { kind: 'command', command: ['test', '-f', '/tmp/ok'], intervalMs: 10_000 },
    ],
    [
      'command env A=b true timeout=2s',
      { kind: 'command', command: ['env', 'A=b', 'true'], timeoutMs: 2_000 },
    ],
    [
      'command ["sh","-c","test -f /tmp/a b"] failures=2',
      { kind: 'command', command: ['sh', '-c', 'test -f /tmp/a b'], failures: 2 },
    ],
  ])('is read from %s', (text, check) => {
    expect(parse(text)).toEqual(check);
  });

  it.each([
    ['http up', /begins with "\/"/],
    ['http', /begins with "\/"/],
    ['ping /up', /"ping" is no kind/],
    ['tcp 8080', /"8080" means nothing to tcp/],
    ['command', /a list of words/],
    ['command sh -c "a b"', /no shell reads it/],
    ['command ["a"', /no shell reads it|JSON list/],
    ['command [1]', /JSON list/],
    ['http /up every=1s', /no option "every"/],
    ['http /up interval=soon', /not a duration/],
    ['http /up failures=0', /from 1 to 100/],
  ])('is refused with what is wrong: %s', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

describe('a short time', () => {
  it('has a unit', () => {
    expect(['250ms', '1.5s', '2m'].map((text) => parseMilliseconds('x', text))).toEqual([
      250, 1500, 120_000,
    ]);
    expect(() => parseMilliseconds('x', '5')).toThrow(/not a duration/);
  });
});
