import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RotatingFile } from './rotating-file.js';

describe('a rotating file', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'shiplog-rotating-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('keeps one earlier file and never loses a line of the last two', () => {
    const log = new RotatingFile(join(folder, 'a.log'), 50);
    for (let i = 100; i < 125; i += 1) log.write(`line ${i}\n`);
    expect(readdirSync(folder)).toEqual(['a.log', 'a.log.1']);
    const text = ['a.log.1', 'a.log'].map((name) => readFileSync(join(folder, name), 'utf8'));
    expect(text.join('')).toMatch(/^line 1(\d\d)\n(line 1\d\d\n)*line 124\n$/);
    expect(text[0]?.length).toBeLessThanOrEqual(60);
    expect(statSync(join(folder, 'a.log')).mode & 0o777).toBe(0o600);
  });

  it('goes on with a file that is there', () => {
    new RotatingFile(join(folder, 'a.log'), 20).write('from yesterday, long enough\n');
    new RotatingFile(join(folder, 'a.log'), 20).write('today\n');
    expect(readFileSync(join(folder, 'a.log'), 'utf8')).toBe('today\n');
  });
});
