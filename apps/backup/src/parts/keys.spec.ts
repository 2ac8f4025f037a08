import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathsOf } from '@shiplog/runtime';
import { Keyring, MasterKey } from '@shiplog/secrets';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyFiles, openKeys, placeKeys, sealKeys, type KeyFile } from './keys.js';
import { ensureRecoveryKey } from './recovery-key.js';

describe('the keys of a home', () => {
  let home: string;
  let masterKeyFile: string;
  let master: MasterKey;
  let keys: Keyring;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'shiplog-backup-keys-'));
    masterKeyFile = join(home, 'elsewhere/master.key');
    await mkdir(dirname(masterKeyFile));
    master = new MasterKey(masterKeyFile);
    keys = new Keyring(join(home, 'keys'), master);
    await keys.encrypt('a1', 'one');
    await keys.encrypt('a2', 'two');
  });
  afterEach(async () => {
    await rm(home, { recursive: true, force: true });
  });

  const pathsIn = (files: readonly KeyFile[]): string[] => files.map(({ path }) => path);
  const ALL = ['keys/a1.key', 'keys/a2.key', 'master-key/master.key'];

  it('are all there, the master key that lies elsewhere, too', async () => {
    expect(pathsIn(await keyFiles({ home, masterKeyFile }))).toEqual(ALL);
  });

  it('have the master key that counts, not one that lies where it would by default', async () => {
    await mkdir(join(home, 'master-key'));
    await writeFile(join(home, 'master-key/master.key'), 'an old one');
    const files = await keyFiles({ home, masterKeyFile });
    expect(pathsIn(files)).toEqual(ALL);
    const text = await readFile(masterKeyFile, 'base64');
    expect(files.at(-1)?.text).toBe(text);
  });

  it('have what the proofs of domains are made of, which a platform that is restored has again', async () => {
    await mkdir(join(home, 'domains'));
    await writeFile(join(home, 'domains/challenge.key'), 'ab'.repeat(32));
    const files = await keyFiles({ home, masterKeyFile });
    const restored = join(home, 'restored');
    await placeKeys({ home: restored, masterKeyFile: join(restored, 'master.key') }, files);
    const { domainKey } = pathsOf(restored);
    expect(await readFile(domainKey, 'utf8')).toBe('ab'.repeat(32));
    expect((await stat(domainKey)).mode & 0o777).toBe(0o600);
  });

  it('are none that a backup could be made of when the master key cannot be read', async () => {
    const forbidden = Object.assign(new Error('permission denied'), { code: 'EACCES' });
    const reading = keyFiles({ home, masterKeyFile }, (path) =>
      path === masterKeyFile ? Promise.reject(forbidden) : readFile(path),
    );
    await expect(reading).rejects.toMatchObject({
      code: 'keys-unreadable',
      message: expect.stringContaining(`reading ${masterKeyFile}`) as string,
    });
  });

  it('nor when the master key is not there, or another one', async () => {
    await rename(masterKeyFile, `${masterKeyFile}.away`);
    const missing = keyFiles({ home, masterKeyFile });
    await expect(missing).rejects.toMatchObject({ code: 'keys-unreadable' });
    await new MasterKey(masterKeyFile).ensure();
    const other = keyFiles({ home, masterKeyFile });
    await expect(other).rejects.toMatchObject({
      code: 'keys-unreadable',
      message: expect.stringContaining('keys/a1.key, keys/a2.key') as string,
    });
  });

  it('are of one moment, although the master key is replaced while they are read', async () => {
    const encrypted = await keys.encrypt('a1', 'one');
    let rotated = false;
    const files = await keyFiles({ home, masterKeyFile }, async (path) => {
      const bytes = await readFile(path);
      if (!rotated) {
        rotated = true;
        await master.addGeneration('mk_new');
        await keys.wrapAnew();
        await master.dropOldGenerations();
      }
      return bytes;
    });
    const { recipient } = await ensureRecoveryKey(home);
    const recoveryKey = /AGE-SECRET-KEY-\S+/.exec(
      await readFile(join(home, 'backup/recovery-key.txt'), 'utf8'),
    );
    const opened = await openKeys(await sealKeys(files, recipient), recoveryKey?.[0] ?? '');
    const restored = join(home, 'restored');
    const place = { home: restored, masterKeyFile: join(restored, 'master-key/master.key') };
    await placeKeys(place, opened);
    const again = new Keyring(join(restored, 'keys'), new MasterKey(place.masterKeyFile));
    await expect(again.decrypt('a1', encrypted)).resolves.toBe('one');
    expect((await again.list()).map(({ masterKeyId }) => masterKeyId)).toEqual([
      'mk_new',
      'mk_new',
    ]);
  });
});
