import { CANARY_MATCH_PATTERN } from '@shiplog/events';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PICKS, parseMatchRule, picksOf, requestPattern } from './match-rule.js';
import { HaproxyRuntime } from '../haproxy/runtime.js';

/** As PCRE reads it: JavaScript has no classes in brackets, and no flags in the text. */
const asJavaScript = (pattern: string): RegExp =>
  new RegExp(
    pattern
      .replace('(?s)', '')
      .replaceAll('[^[:alnum:]', '[^A-Za-z0-9')
      .replaceAll('[^[:cntrl:]]', '[^\\x00-\\x1f\\x7f]')
      .replaceAll('[[:cntrl:]]', '[\\x00-\\x1f\\x7f]')
      .replaceAll('[[:blank:]]', '[ \\t]'),
    's',
  );
const matches = (rule: string, headers: Record<string, string>, backend = 'slot0001'): boolean => {
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return asJavaScript(requestPattern('slot0001', rule)).test(`${backend}|${head.join('')}\r\n`);
};

describe('a rule of requests', () => {
  it('is taken apart', () => {
    expect(parseMatchRule('header:x-canary=yes')).toEqual({
      kind: 'header',
      name: 'x-canary',
      value: 'yes',
    });
    expect(parseMatchRule('cookie:Beta')).toEqual({ kind: 'cookie', name: 'Beta', value: null });
  });

  it.each([
    'header:X-Canary',
    'header:x canary',
    'header:',
    'header:x=a;b',
    'header:x=.*|',
    'header:x=',
    'cookie:a\nb=c',
    'path:/x',
    'header:x=a b',
    'header:x=(a)',
    `header:${'x'.repeat(65)}`,
    `cookie:a=${'x'.repeat(129)}`,
  ])('is none: %j', (text) => {
    expect(() => parseMatchRule(text)).toThrow('not a rule of requests');
  });

  it('means the whole header or cookie of that app, and none that only looks like it', () => {
    const yes = 'header:x-canary=yes';
    expect(matches(yes, { host: 'a', 'x-canary': 'yes', accept: '*/*' })).toBe(true);
    expect(matches(yes, { 'x-canary': 'yes' }, 'slot0002')).toBe(false);
    expect(matches(yes, { 'x-canary': 'yes, no' })).toBe(false);
    expect(matches(yes, { 'y-x-canary': 'yes' })).toBe(false);
    expect(matches('header:x-v=1.2', { 'x-v': '1x2' })).toBe(false);
    expect(matches('cookie:beta=1', { cookie: 'a=b; beta=1' })).toBe(true);
    expect(matches('cookie:beta', { cookie: 'beta=whatever' })).toBe(true);
    expect(matches('cookie:beta', { cookie: 'alphabeta=1' })).toBe(false);
    expect(matches('cookie:beta=1', { 'x-cookie': 'beta=1' })).toBe(false);
  });

  it('never says anything to HAProxy but itself, whatever it is', async () => {
    const runtime = new HaproxyRuntime('/nonexistent/socket');
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(CANARY_MATCH_PATTERN), async (rule) => {
        const pattern = requestPattern('slot0001', rule);
        expect(() => asJavaScript(pattern)).not.toThrow();
        expect(pattern).not.toMatch(/[\s;\\<]/);
        await expect(runtime.ask([`add map matches.map ${pattern} x`])).rejects.toMatchObject({
          code: 'router-unreachable',
        });
      }),
    );
  });

  it('is shared evenly among as many instances as divide the places', () => {
    for (const count of [1, 2, 3, 4, 5, 6, 10, 60]) {
      const of = Array.from({ length: count }, (_, i) => i);
      const picks = picksOf(of);
      expect(picks).toHaveLength(PICKS);
      for (const one of of) expect(picks.filter((i) => i === one)).toHaveLength(PICKS / count);
    }
    expect(picksOf([])).toEqual([]);
  });
});
