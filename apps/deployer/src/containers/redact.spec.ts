import { describe, expect, it } from 'vitest';
import { redactor } from './redact.js';

describe('blotting out config values', () => {
  it('names the key instead of the value, the longest first', () => {
    const redact = redactor({ TOKEN: 'abcdef', URL: 'https://u:abcdef@db', SHORT: 'abc' });
    expect(redact('connect https://u:abcdef@db with abcdef or abc')).toBe(
      'connect [redacted URL] with [redacted TOKEN] or abc',
    );
  });
  it('finds the lines of a value of several lines', () => {
    expect(redactor({ KEY: '-----BEGIN-----\nsecret-body\n' })('got secret-body')).toBe(
      'got [redacted KEY]',
    );
  });
  it('takes values literally', () => {
    expect(redactor({ P: '$&.*+(x)' })('x $&.*+(x) y')).toBe('x [redacted P] y');
  });
});
