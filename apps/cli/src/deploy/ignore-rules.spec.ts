import { describe, expect, it } from 'vitest';
import { parseIgnoreRules, verdict } from './ignore-rules.js';

const git = (rules: string, path: string, isDirectory = false) =>
  verdict(parseIgnoreRules(rules), path, isDirectory);

describe('ignore rules of git', () => {
  it.each<[string, string, boolean | undefined]>([
    ['*.log', 'a.log', true],
    ['*.log', 'deep/er/a.log', true],
    ['*.log', 'a.logs', undefined],
    ['/build', 'build', true],
    ['/build', 'src/build', undefined],
    ['doc/*.txt', 'doc/a.txt', true],
    ['doc/*.txt', 'doc/sub/a.txt', undefined],
    ['doc/*.txt', 'x/doc/a.txt', undefined],
    ['**/foo', 'foo', true],
    ['**/foo', 'a/b/foo', true],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['abc/**', 'abc/x/y', true],
    ['abc/**', 'abc', undefined],
    ['file?.js', 'file1.js', true],
    ['file?.js', 'file/.js', undefined],
    ['[ab].c', 'a.c', true],
    ['[!ab].c', 'a.c', undefined],
    ['[!ab].c', 'z.c', true],
    ['\\#x', '#x', true],
    ['\\!x', '!x', true],
    ['# comment', '# comment', undefined],
    ['name\\ ', 'name ', true],
    ['trailing   ', 'trailing', true],
    ['a+(b).c', 'a+(b).c', true],
    ['[z-a]', 'z', undefined],
    ['*.log\n!keep.log', 'keep.log', false],
    ['!keep.log\n*.log', 'keep.log', true],
  ])('%j about %j: %s', (rules, path, expected) => {
    expect(git(rules, path)).toBe(expected);
  });

  it('match directories only where they end with a slash', () => {
    expect(git('out/', 'out', true)).toBe(true);
    expect(git('out/', 'out', false)).toBeUndefined();
  });
});

describe('ignore rules of Docker', () => {
  it('start at the root', () => {
    const rules = parseIgnoreRules('tmp\n**/*.md\n!README.md', 'docker');
    expect(verdict(rules, 'tmp', true)).toBe(true);
    expect(verdict(rules, 'src/tmp', true)).toBeUndefined();
    expect(verdict(rules, 'docs/a.md', false)).toBe(true);
    expect(verdict(rules, 'README.md', false)).toBe(false);
  });
});
