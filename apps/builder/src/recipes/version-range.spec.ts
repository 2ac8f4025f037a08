import { describe, expect, it } from 'vitest';
import { satisfies } from './version-range.js';

describe('a version range', () => {
  it.each([
    ['20.20.2', '>=20', true],
    ['20.20.2', '>=20.21', false],
    ['20.20.2', '20', true],
    ['20.20.2', '20.x', true],
    ['20.20.2', '20.20', true],
    ['20.20.2', '20.20.1', false],
    ['20.20.2', 'v20.20.2', true],
    ['20.20.2', '^20.1.0', true],
    ['20.20.2', '^18 || ^20', true],
    ['20.20.2', '^18 || ^22', false],
    ['20.20.2', '~20.19.0', false],
    ['20.20.2', '~20', true],
    ['20.20.2', '>=18 <21', true],
    ['20.20.2', '>= 18.0.0 < 20', false],
    ['20.20.2', '>20', false],
    ['20.20.2', '<=20', true],
    ['20.20.2', '18 - 20', true],
    ['20.20.2', '18.0.0 - 19.9', false],
    ['20.20.2', '*', true],
    ['20.20.2', '', true],
    ['0.3.1', '^0.2.0', false],
    ['20.20.2', 'lts/*', undefined],
    ['20.20.2', 'twenty', undefined],
  ])('%s is in "%s": %s', (version, range, expected) => {
    expect(satisfies(version, range)).toBe(expected);
  });
});
