import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SourceStore, SourceTooLargeError } from './source-store.js';

describe('the source store', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sources-'));
  });
  afterAll(async () => rm(folder, { recursive: true }));
  const storeAt = (name: string): SourceStore => new SourceStore(join(folder, name));

  it('names content by its SHA-256 and keeps the same content once', async () => {
    const store = storeAt('same');
    const first = await store.put(Readable.from(['hello']));
    const second = await store.put(Readable.from(['hel', 'lo']));
    expect(first).toEqual({
      digest: 'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
      bytes: 5,
    });
    expect(second).toEqual(first);
    expect(await store.list()).toEqual([first.digest]);
    expect(await text(store.read(first.digest))).toBe('hello');
  });

  it('loses nothing of a program that ends before anything was read', async () => {
    // The first write makes the folder; a pause there would let the program's output go unread.
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => {
        const child = spawn(process.execPath, ['--version']);
        return storeAt(`program-${i}`).put(child.stdout);
      }),
    );
    expect(new Set(results.map(({ bytes }) => bytes))).toEqual(
      new Set([process.version.length + 1]),
    );
  });

  it('refuses what is larger than allowed, and leaves nothing behind', async () => {
    const store = storeAt('large');
    await expect(store.put(Readable.from(['123456']), 5)).rejects.toThrow(SourceTooLargeError);
    expect(await store.list()).toEqual([]);
  });

  it('knows what it has, and forgets what it is told to', async () => {
    const store = storeAt('forget');
    const { digest } = await store.put(Readable.from(['x']));
    expect(await store.has(digest)).toBe(true);
    await store.remove(digest);
    expect(await store.has(digest)).toBe(false);
    await expect(store.has('../../etc/passwd')).rejects.toThrow('a digest is');
  });

  it('clears away what a killed process left half-stored, but not what still comes in', async () => {
    const store = storeAt('leftovers');
    await store.put(Readable.from(['x']));
    const [old, young] = ['.incoming-old', '.incoming-young'].map((n) =>
      join(folder, 'leftovers', n),
    ) as [string, string];
    for (const path of [old, young]) await writeFile(path, 'half');
    const twoHoursAgo = new Date(Date.now() - 2 * 3_600_000);
    await utimes(old, twoHoursAgo, twoHoursAgo);
    await store.put(Readable.from(['y']));
    const left = (await readdir(join(folder, 'leftovers'))).filter((n) => n.startsWith('.'));
    expect(left).toEqual(['.incoming-young']);
  });
});
