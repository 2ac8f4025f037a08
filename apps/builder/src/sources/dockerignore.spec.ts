import { describe, expect, it } from 'vitest';
import { parseDockerignore } from './dockerignore.js';

describe('.dockerignore', () => {
  // What Docker's own client does with them (moby/patternmatcher).
  it.each<[rules: string, name: string, isIgnored: boolean]>([
    ['.env', '.env', true],
    ['.env', 'sub/.env', false],
    ['/.env', '.env', true],
    ['node_modules', 'node_modules/a/b.js', true],
    ['node_modules/', 'node_modules/a/b.js', true],
    ['*/temp*', 'a/temporary.txt', true],
    ['*/temp*', 'a/b/temporary.txt', false],
    ['**/*.md', 'README.md', true],
    ['**/*.md', 'docs/deep/er/a.md', true],
    ['*.md\n!README.md', 'README.md', false],
    ['*.md\n!README.md', 'a.md', true],
    ['!README.md\n*.md', 'README.md', true],
    ['docs\n!docs/keep.md', 'docs/keep.md', false],
    ['docs\n!docs/keep.md', 'docs/other.md', true],
    ['a/**', 'a', false],
    ['a/**', 'a/b/c', true],
    ['a/**/z', 'a/z', true],
    ['a/**/z', 'a/b/c/z/file', true],
    ['*\n!src', 'package.json', true],
    ['*\n!src', 'src/a.js', false],
    ['temp?', 'tempa', true],
    ['temp?', 'temp', false],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['(a|b).js', '(a|b).js', true],
    ['[z', '[z', false],
    ['# .env', '.env', false],
    ['./src/../.env', '.env', true],
    ['.', 'a', false],
    ['', 'a', false],
  ])('%j about %j: %s', (rules, name, isIgnored) => {
    expect(parseDockerignore(rules)(name)).toBe(isIgnored);
  });

  it('leaves the engine what it needs', () => {
    const ignores = parseDockerignore('*');
    expect(ignores('Dockerfile')).toBe(false);
    expect(ignores('.dockerignore')).toBe(false);
  });

  it('takes no longer for patterns that were made to take long', () => {
    const ignores = parseDockerignore(`${'**/'.repeat(100)}x\n${'*a'.repeat(100)}\n(a+)+$`);
    const startedMs = performance.now();
    expect(ignores('a/'.repeat(500) + 'y')).toBe(false);
    expect(ignores('a'.repeat(1000) + 'b')).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });

  it('has an end', () => {
    expect(() => parseDockerignore('a\n'.repeat(1001))).toThrow(/more than 1000 patterns/);
  });
});
