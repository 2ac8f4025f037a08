import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SourceStore, SourceTooLargeError } from './source-store.js';

const DAY_MS = 24 * 60 * 60_000;

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
    expect(await readdir(join(folder, 'same'))).toEqual([`${first.digest.slice(7)}.tar`]);
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
    expect(await readdir(join(folder, 'large'))).toEqual([]);
  });

  it('removes what nobody needs after a day, unless it is asked for again', async () => {
    const store = storeAt('pruned');
    const stored = await Promise.all(
      ['needed', 'old', 'renewed'].map((content) => store.put(Readable.from([content]))),
    );
    const [needed = '', old = '', renewed = ''] = stored.map(({ digest }) => digest);
    const isNeeded = (digest: string): boolean => digest === needed;
    expect(await store.prune(isNeeded, Date.now())).toEqual([]);
    const long = new Date(Date.now() - 2 * DAY_MS);
    for (const digest of [needed, old, renewed])
      await utimes(join(folder, 'pruned', `${digest.slice(7)}.tar`), long, long);
    expect(await store.renew(renewed)).toBe(true);

    expect(await store.prune(isNeeded, Date.now())).toEqual([old]);
    expect(await store.renew(old)).toBe(false);
    expect(await text(store.read(needed))).toBe('needed');
    expect(await text(store.read(renewed))).toBe('renewed');
    await expect(store.renew('../../etc/passwd')).rejects.toThrow('a digest is');
  });

  it('removes few at once, the oldest first', async () => {
    const store = storeAt('many');
    const stored = await Promise.all(
      Array.from({ length: 60 }, (_, i) => store.put(Readable.from([String(i)]))),
    );
    for (const [i, { digest }] of stored.entries()) {
      const at = new Date(Date.now() - 2 * DAY_MS - i * 1000);
      await utimes(join(folder, 'many', `${digest.slice(7)}.tar`), at, at);
    }
    const removed = await store.prune(() => false, Date.now());
    expect(removed).toEqual(
      stored
        .slice(10)
        .map(({ digest }) => digest)
        .reverse(),
    );
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
