import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyMissingError, Keyring } from './keyring.js';

let directory: string;
let keyring: Keyring;
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'shiplog-keys-')), 'keys');
  keyring = new Keyring(directory);
});
afterEach(() => rm(join(directory, '..'), { recursive: true }));

describe('a keyring', () => {
  it('gives back what it encrypted, also after a restart, and never the same text twice', async () => {
    const [first, second] = [
      await keyring.encrypt('a1', 'geheim 🔑'),
      await keyring.encrypt('a1', ''),
    ];
    expect(await keyring.encrypt('a1', '')).not.toBe(second);
    const restarted = new Keyring(directory);
    expect(await restarted.decrypt('a1', first)).toBe('geheim 🔑');
    expect(await restarted.decrypt('a1', second)).toBe('');
  });

  it('keeps one key of an app, whoever is first, for its owner only', async () => {
    const other = new Keyring(directory);
    const [mine, theirs] = await Promise.all([
      keyring.encrypt('a1', 'mine'),
      other.encrypt('a1', 'theirs'),
    ]);
    expect(await keyring.decrypt('a1', theirs)).toBe('theirs');
    expect(await other.decrypt('a1', mine)).toBe('mine');
    expect(await readdir(directory)).toEqual(['a1.key']);
    expect((await stat(join(directory, 'a1.key'))).mode & 0o777).toBe(0o600);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  it('takes no value of another app, and none that was altered or cut', async () => {
    const encrypted = await keyring.encrypt('a1', 'value');
    await keyring.encrypt('a2', 'value');
    await expect(keyring.decrypt('a2', encrypted)).rejects.toThrow();
    const [scheme, iv, tag, text] = encrypted.split('.') as [string, string, string, string];
    const shortTag = Buffer.from(tag, 'base64url').subarray(0, 4).toString('base64url');
    const otherText = Buffer.from('other').toString('base64url');
    for (const forged of [
      [scheme, iv, shortTag, text],
      [scheme, iv, tag, otherText],
      ['enc2', iv, tag, text],
      [scheme, iv, tag],
    ]) {
      await expect(keyring.decrypt('a1', forged.join('.'))).rejects.toThrow();
    }
  });

  it('can read nothing of an app whose key was shredded', async () => {
    const encrypted = await keyring.encrypt('a1', 'value');
    await keyring.shred('a1');
    await keyring.shred('a1');
    await expect(keyring.decrypt('a1', encrypted)).rejects.toThrow(KeyMissingError);
  });

  it('makes no file for an id that is a path', async () => {
    await expect(keyring.encrypt('../a1', 'value')).rejects.toThrow('an app id is');
  });
});
