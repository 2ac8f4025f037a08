import { describe, expect, it } from 'vitest';
import { arrangeArguments, asksForJson } from './arrange-arguments.js';

const arrange = (line: string): string =>
  arrangeArguments(line.split(' '), (name) => name === 'apps').join(' ');

describe('options before the command', () => {
  it.each([
    ['--json ps', 'ps --json'],
    ['-a shop --json ps --watch', 'ps -a shop --json --watch'],
    ['-ashop ps', 'ps -ashop'],
    ['--app=shop apps --json show', 'apps show --app=shop --json'],
    ['apps list --json', 'apps list --json'],
    ['run -a shop -- ls --json', 'run -a shop -- ls --json'],
    ['--json run -- ls -a x', 'run --json -- ls -a x'],
    ['--bogus ps', '--bogus ps'],
    ['--help', '--help'],
    ['--json', '--json'],
  ])('%s becomes %s', (line, arranged) => {
    expect(arrange(line)).toBe(arranged);
  });

  it('knows JSON mode, but not that of the command behind --', () => {
    expect(asksForJson(['ps', '--json'])).toBe(true);
    expect(asksForJson(['run', '--', 'x', '--json'])).toBe(false);
  });
});
