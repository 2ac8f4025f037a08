import { appendFile, copyFile, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LineFile } from './line-file.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'line-file-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

let count = 0;
const freshPath = (): string => join(directory, `${(count += 1)}.map`);

/** As HAProxy reads it: comments are none, and the first line of a key counts. */
const readAs = async (path: string): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>();
  for (const line of (await readFile(path, 'utf8')).split('\n')) {
    const [key = ''] = line.split(' ');
    if (line !== '' && !line.startsWith('#') && !found.has(key)) found.set(key, line);
  }
  return found;
};

const key = fc.stringMatching(/^[a-zü]{1,2}$/);
const change = fc.dictionary(key, fc.option(fc.stringMatching(/^[a-z0-9]{0,6}$/)), { maxKeys: 4 });

describe('a file of lines', () => {
  it('says after any changes what it would say if it were written as a whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 6 }), async (changes) => {
        const path = freshPath();
        const file = new LineFile(path);
        const lines = new Map([['a', 'a begin']]);
        await file.write(lines);
        for (const one of changes) {
          const entries = Object.entries(one).map(
            ([name, value]) => [name, value === null ? null : `${name} ${value}`] as const,
          );
          for (const [name, line] of entries) {
            if (line === null) lines.delete(name);
            else lines.set(name, line);
          }
          expect(await file.change(new Map(entries))).toBe(true);
          expect(await readAs(path)).toEqual(lines);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('keeps its header, whatever changes', async () => {
    const path = freshPath();
    const file = new LineFile(path, '1\n# header\n');
    await file.write(new Map([['a', 'a 1']]));
    await file.change(new Map([['a', 'a 2']]));
    expect(await readFile(path, 'utf8')).toBe('1\n# header\n# 1\na 2\n');
  });

  it('is written as a whole where somebody else wrote it, or took another one in its place', async () => {
    const path = freshPath();
    const file = new LineFile(path);
    const changed = () => file.change(new Map([['a', 'a 2']]));
    expect(await changed()).toBe(false);
    await file.write(new Map([['a', 'a 1']]));
    await appendFile(path, 'b 1\n');
    expect(await changed()).toBe(false);
    await file.write(new Map([['a', 'a 1']]));
    await copyFile(path, `${path}.other`);
    await rename(`${path}.other`, path);
    expect(await changed()).toBe(false);
    await rm(path);
    await file.write(new Map([['a', 'a 1']]));
    expect(await changed()).toBe(true);
    await rm(path);
    expect(await changed()).toBe(false);
  });
});
