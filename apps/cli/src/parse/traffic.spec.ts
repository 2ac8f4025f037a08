import { describe, expect, it } from 'vitest';
import { withoutWord, withWord } from './traffic.js';

const of = (...words: readonly (readonly [string, string])[]) => words.reduce(withWord, {});

describe('words of a traffic policy', () => {
  it('are parts of it', () => {
    expect(
      of(
        ['sticky', 'on'],
        ['rate', '600/minute,burst:10,by:header:X-Api-Key'],
        ['concurrency', '50,queue:200'],
        ['body', '10M'],
        ['response-timeout', '2m'],
        ['tunnel-timeout', '12h'],
        ['allow', '10.0.0.0/8, ::1'],
        ['deny', '192.0.2.7'],
      ),
    ).toEqual({
      sticky: true,
      rate: { requests: 600, per: 'minute', burst: 10, by: 'header:x-api-key' },
      concurrency: { perInstance: 50, queue: 200 },
      bodyBytes: 10 * 1024 * 1024,
      responseSeconds: 120,
      tunnelSeconds: 43_200,
      allow: ['10.0.0.0/8', '::1/128'],
      deny: ['192.0.2.7/32'],
    });
    expect(of(['rate', '5/s'])).toEqual({
      rate: { requests: 5, per: 'second', burst: 0, by: 'address' },
    });
  });
  it('add a header to those that are there, or take one away', () => {
    const two = of(['request.X-A', 'a=b'], ['request.x-b', '']);
    expect(two).toEqual({ requestHeaders: { set: { 'x-a': 'a=b' }, remove: ['x-b'] } });
    expect(withWord(two, ['request.x-a', ''])).toEqual({
      requestHeaders: { set: {}, remove: ['x-b', 'x-a'] },
    });
    expect(withoutWord(two, 'request.X-A').requestHeaders).toEqual({ set: {}, remove: ['x-b'] });
    expect(withoutWord(of(['response.server', '']), 'response.server')).toEqual({
      responseHeaders: undefined,
    });
  });
  it.each([
    [['rate', '5'], 'is not a rate'],
    [['rate', '5/second,bursts:3'], 'is none of burst:…, by:…'],
    [['rate', '0/second'], 'from 1 to 100000'],
    [['sticky', 'off'], 'is not "on"'],
    [['concurrency', 'many'], 'is not a whole number'],
    [['cookies', 'on'], 'is no part of a traffic policy'],
    [['constructor', 'on'], 'is no part of a traffic policy'],
  ] as const)('%j is refused: %s', (word, message) => {
    expect(() => of(word)).toThrow(message);
  });
});
