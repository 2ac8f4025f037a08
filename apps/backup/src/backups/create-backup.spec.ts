import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackupError } from '../backup-error.js';
import { readBackupSet } from '../content/backup-set.js';
import { objectName } from '../content/content-store.js';
import { encodeManifest, manifestName, type Manifest } from '../content/manifest.js';
import { InMemoryBackupTarget } from '../target/in-memory-backup-target.js';
import { BackedUpPlatform } from './backed-up-platform.js';
import { keysOf } from './key-bundles.js';
import { verifyBackup } from './verify-backup.js';

const onStep = (): void => undefined;
const bundleOf = ({ keys, objects }: Manifest): string =>
  objectName(objects.find(({ content }) => content === keys.content)?.object ?? '');

describe('a backup at a place', () => {
  let target: InMemoryBackupTarget;
  let platform: BackedUpPlatform;
  let other: BackedUpPlatform;

  beforeEach(async () => {
    target = new InMemoryBackupTarget();
    platform = await BackedUpPlatform.start();
    other = await BackedUpPlatform.start('other');
    await platform.app('a1');
    await other.app('b1');
  });
  afterEach(async () => {
    await platform.end();
    await other.end();
  });

  const recoveryKeyOf = async ({ home }: BackedUpPlatform): Promise<string> => {
    const text = await readFile(join(home, 'backup/recovery-key.txt'), 'utf8');
    return /AGE-SECRET-KEY-\S+/.exec(text)?.[0] ?? '';
  };

  it('is whole, and holds the keys', async () => {
    const { manifest } = await platform.backup(target);
    const recoveryKey = await recoveryKeyOf(platform);
    const verified = await verifyBackup(target, { recoveryKey, onStep });
    expect(verified).toMatchObject({ backupId: manifest.backupId, commits: 1 });
    const keys = await keysOf(target, manifest, recoveryKey);
    expect(keys.map(({ path }) => path).toSorted()).toEqual([
      'keys/a1.key',
      'master-key/master.key',
    ]);
    expect([...target.files.keys()].filter((name) => name.startsWith('locks/'))).toEqual([]);
  });

  it('is refused where the backups are of another platform, and takes nothing of theirs', async () => {
    await platform.backup(target);
    const before = new Map(target.files);
    await expect(other.backup(target)).rejects.toMatchObject({
      code: 'backup-of-another-log',
      message: expect.stringContaining('another folder') as string,
    });
    expect(target.files).toEqual(before);
  });

  it('is refused where the backups are of the same name, but another log: a fresh machine', async () => {
    await platform.backup(target);
    const before = new Map(target.files);
    const fresh = await BackedUpPlatform.start();
    await fresh.app('a9');
    await expect(fresh.backup(target)).rejects.toMatchObject({ code: 'backup-of-another-log' });
    await fresh.end();
    expect(target.files).toEqual(before);
  });

  it('leaves what is of others at a place that two use already: manifests and keys', async () => {
    const theirs = new InMemoryBackupTarget();
    await other.backup(theirs);
    await platform.backup(target);
    for (const [name, content] of theirs.files) target.files.set(name, content);
    await platform.app('a2');
    const { pruned } = await platform.backup(target, { keep: '1' });
    expect(pruned.backupIds).toHaveLength(1);
    for (const [name, content] of theirs.files) expect(target.files.get(name)).toEqual(content);
    const left = (await readBackupSet(target)).backups.map(({ manifest }) => manifest.platform);
    expect(left).toEqual(['other', 'test']);
    // Each is verified with its own keys.
    for (const { manifest } of (await readBackupSet(target)).backups) {
      const recoveryKey = await recoveryKeyOf(manifest.platform === 'test' ? platform : other);
      const { backupId } = manifest;
      await expect(verifyBackup(target, { backupId, recoveryKey, onStep })).resolves.toBeDefined();
    }
  });

  it('relies on what it saw there only once it has the place for itself', async () => {
    const asked: string[] = [];
    const [put, list] = [target.put.bind(target), target.list.bind(target)];
    const removeLeftovers = target.removeLeftovers.bind(target);
    target.put = (name, file) => (asked.push(`put ${name}`), put(name, file));
    target.list = (prefix) => (asked.push(`list ${prefix}`), list(prefix));
    target.removeLeftovers = () => (asked.push('clear'), removeLeftovers());
    await platform.backup(target);
    const locked = asked.findIndex((one) => one.startsWith('put locks/'));
    for (const step of ['clear', 'list backups/', 'list objects/']) {
      expect(asked.indexOf(step)).toBeGreaterThan(locked);
    }
  });

  it('is not made, and removes nothing, when another run took the place meanwhile', async () => {
    await platform.backup(target);
    await platform.app('a2');
    const put = target.put.bind(target);
    target.put = async (name, file) => {
      await put(name, file);
      // As the other run does with a lock that nobody renewed, before it stores what it relies on.
      for (const lock of [...target.files.keys()].filter((one) => one.startsWith('locks/')))
        if (name.startsWith('objects/')) target.files.delete(lock);
      target.files.set('objects/ff/theirs', Buffer.from('of their backup'));
    };
    await expect(platform.backup(target, { keep: '1' })).rejects.toMatchObject({
      code: 'backup-target-busy',
    });
    expect(target.files.has('objects/ff/theirs')).toBe(true);
    expect((await readBackupSet(target)).backups).toHaveLength(1);
  });

  it.each(['objects/', 'locks/'])(
    'is made, with a warning, when what follows its manifest fails: removing from %s',
    async (prefix) => {
      await platform.backup(target);
      await platform.app('a2');
      const remove = target.remove.bind(target);
      target.remove = (name) =>
        name.startsWith(prefix)
          ? Promise.reject(new BackupError('backup-target-unavailable', `removing ${name}`))
          : remove(name);
      const { manifest, pruned, warnings } = await platform.backup(target, { keep: '1' });
      expect(warnings).toEqual([expect.stringContaining(`removing ${prefix}`)]);
      expect(pruned.backupIds).toHaveLength(1);
      const { backupId } = manifest;
      await expect(verifyBackup(target, { backupId, onStep })).resolves.toBeDefined();
    },
  );

  it('is found damaged when no bundle has a key that must be there', async () => {
    const { manifest: first } = await platform.backup(target);
    const ofFirst = target.files.get(bundleOf(first));
    await platform.app('a2');
    const { manifest: second } = await platform.backup(target);
    // The keys of the newest are those of the first: as if a bundle with fewer had taken its place.
    expect(target.files.has(bundleOf(first))).toBe(false);
    target.files.set(bundleOf(first), ofFirst ?? Buffer.alloc(0));
    target.files.delete(bundleOf(second));
    const livingApps = new Set(['a1', 'a2']);
    const verifying = verifyBackup(target, { backupId: second.backupId, livingApps, onStep });
    await expect(verifying).rejects.toMatchObject({
      code: 'backup-damaged',
      message: expect.stringContaining('keys/a2.key') as string,
    });
  });

  it('does without the key of an app that was destroyed since', async () => {
    await platform.app('gone');
    const { manifest } = await platform.backup(target);
    await platform.keys.shred('gone');
    const text = encodeManifest(manifest).text;
    await platform.backup(target);
    expect(target.files.get(manifestName(manifest.backupId))?.toString()).toBe(text);
    const { backupId } = manifest;
    const livingApps = new Set(['a1']);
    await expect(verifyBackup(target, { backupId, livingApps, onStep })).resolves.toBeDefined();
  });
});
