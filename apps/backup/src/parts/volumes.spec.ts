import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { LABEL } from '@shiplog/engine';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackedUpPlatform } from '../backups/backed-up-platform.js';
import { verifyBackup } from '../backups/verify-backup.js';
import { objectName, readContent } from '../content/content-store.js';
import type { Manifest } from '../content/manifest.js';
import { refsOf } from '../backups/verify-backup.js';
import { InMemoryVolumeEngine } from '../engine/in-memory-volume-engine.js';
import { markRestoring, restoreVolumes } from '../restore/restore-volumes.js';
import { InMemoryBackupTarget } from '../target/in-memory-backup-target.js';

const ENGINE_NAME = 'test-shop-data-1';
const onStep = (): void => undefined;

const archiveOf = (files: Readonly<Record<string, string>>): Readable => {
  const archive = pack();
  for (const [name, text] of Object.entries(files)) archive.entry({ name: `volume/${name}` }, text);
  archive.finalize();
  return Readable.from(archive);
};

describe('what is in volumes', () => {
  let target: InMemoryBackupTarget;
  let platform: BackedUpPlatform;
  let home: string;
  beforeEach(async () => {
    target = new InMemoryBackupTarget();
    platform = await BackedUpPlatform.start();
    home = await mkdtemp(join(tmpdir(), 'shiplog-volumes-'));
    await platform.app('a1');
    await platform.volume('a1', 'data', ENGINE_NAME);
    await platform.volumes.write(ENGINE_NAME, archiveOf({ row: 'one' }));
  });
  afterEach(async () => {
    await platform.end();
    await rm(home, { recursive: true });
  });

  const rowIn = (engine: InMemoryVolumeEngine): string | undefined =>
    engine.volumes.get(ENGINE_NAME)?.entries.get('volume/row')?.content.toString();
  const restore = (engine: InMemoryVolumeEngine, manifest: Manifest): Promise<string[]> => {
    const read = (content: string) => readContent(target, refsOf(manifest)(content));
    return restoreVolumes({ engine, home, onStep }, manifest, read);
  };

  it('is in a backup, and comes back to an engine that has nothing', async () => {
    const { manifest } = await platform.backup(target);
    expect(manifest.volumes).toMatchObject([{ appId: 'a1', name: 'data', volumeId: 'vol_data' }]);
    await verifyBackup(target, { onStep });
    const engine = new InMemoryVolumeEngine('test');
    expect(await restore(engine, manifest)).toEqual([]);
    expect(rowIn(engine)).toBe('one');
    expect(engine.volumes.get(ENGINE_NAME)?.labels).toEqual({
      ...{ [LABEL.platform]: 'test', [LABEL.app]: 'a1', [LABEL.volume]: 'vol_data' },
    });
  });

  it('is stored once while it stays as it is', async () => {
    const first = await platform.backup(target);
    const second = await platform.backup(target);
    expect(second.manifest.volumes).toEqual(first.manifest.volumes);
    await platform.volumes.write(ENGINE_NAME, archiveOf({ row: 'two' }));
    const third = await platform.backup(target);
    expect(third.manifest.volumes).not.toEqual(first.manifest.volumes);
  });

  it('never takes the place of what an engine has; what a restore that was cut off made, it does', async () => {
    const { manifest } = await platform.backup(target);
    await platform.volumes.write(ENGINE_NAME, archiveOf({ row: 'newer' }));
    const [warning] = await restore(platform.volumes, manifest);
    expect(warning).toContain('is on this engine already');
    expect(rowIn(platform.volumes)).toBe('newer');
    await markRestoring(home, manifest.backupId, [ENGINE_NAME]);
    expect(await restore(platform.volumes, manifest)).toEqual([]);
    expect(rowIn(platform.volumes)).toBe('one');
    const marker = await readFile(join(home, 'restoring.json'), 'utf8');
    expect(JSON.parse(marker)).toMatchObject({ volumes: [ENGINE_NAME] });
  });

  it.each(['left out by the person', 'not in an older backup'])(
    'is not there by half when a restore that was cut off is begun again without it: %s',
    async (how) => {
      const { manifest } = await platform.backup(target);
      const engine = new InMemoryVolumeEngine('test');
      await restore(engine, manifest);
      await markRestoring(home, manifest.backupId, [ENGINE_NAME]);
      const others = manifest.volumes.map((one) => ({ ...one, engineName: 'test-shop-other' }));
      const volumes = how === 'not in an older backup' ? others : [];
      await restore(engine, { ...manifest, volumes });
      expect([...engine.volumes.keys()]).toEqual(volumes.map(({ engineName }) => engineName));
    },
  );

  it('that is not to be had is a gap, and none of the rest is lost for it', async () => {
    await platform.volume('a1', 'lost', 'test-shop-lost');
    platform.volumes.volumes.delete('test-shop-lost');
    const { manifest } = await platform.backup(target);
    expect(manifest.volumes).toHaveLength(1);
    expect(manifest.missing).toMatchObject([{ kind: 'volume', name: 'app-a1/lost' }]);
    expect(manifest.volumesLeft).toMatchObject([{ name: 'lost', outcome: 'failed' }]);
    const engine = new InMemoryVolumeEngine('test');
    const [warning] = await restore(engine, manifest);
    expect(warning).toContain('shiplog volumes recreate lost --confirm lost -a app-a1');
    expect(engine.volumes.has('test-shop-lost')).toBe(false);
  });

  it('is read again when a file became shorter meanwhile, and failed when it does so each time', async () => {
    platform.volumes.cutOff = 2;
    const { manifest } = await platform.backup(target);
    expect(manifest.volumes).toHaveLength(1);
    platform.volumes.cutOff = 3;
    const { manifest: failed } = await platform.backup(target);
    expect(failed.volumes).toEqual([]);
    expect(failed.volumesLeft[0]?.why).toContain('became shorter');
  });

  it('can be left out, which is no failure', async () => {
    const { manifest } = await platform.backup(target, { withVolumes: false });
    expect(manifest).toMatchObject({ volumes: [], missing: [] });
    expect(manifest.volumesLeft).toMatchObject([{ name: 'data', outcome: 'left-out' }]);
  });

  it('one that is left out of backups is no failure, is told, and is not made by a restore', async () => {
    await platform.backedUp('a1', 'data', { excluded: true });
    const steps: string[] = [];
    const { manifest } = await platform.backup(target, { onStep: (text) => steps.push(text) });
    expect(manifest).toMatchObject({ volumes: [], missing: [] });
    expect(manifest.volumesLeft).toMatchObject([{ name: 'data', outcome: 'left-out' }]);
    expect(steps).toContain('volume app-a1/data is left out of backups');
    const engine = new InMemoryVolumeEngine('test');
    const [warning] = await restore(engine, manifest);
    expect(warning).toContain('shiplog volumes backup data --include -a app-a1');
    expect(engine.volumes.size).toBe(0);
    await platform.backedUp('a1', 'data', { excluded: false });
    expect((await platform.backup(target)).manifest.volumes).toHaveLength(1);
  });

  describe('with a hook', () => {
    const hook = { command: ['dump', '--all'], timeoutSeconds: 5 };
    beforeEach(() => platform.backedUp('a1', 'data', { hook }));
    const backup = async () => {
      const steps: string[] = [];
      const { manifest } = await platform.backup(target, { onStep: (text) => steps.push(text) });
      return { manifest, steps };
    };

    it('is saved after it succeeded', async () => {
      const { manifest, steps } = await backup();
      expect(manifest.volumes).toHaveLength(1);
      expect(steps).toContain('volume app-a1/data: dump --all');
    });

    it('is saved as it is where no instance runs, which is told', async () => {
      platform.hookRun = { ranIn: null, outcome: 'no-instance', exitCode: null, said: '' };
      const { manifest, steps } = await backup();
      expect(manifest.volumes).toHaveLength(1);
      expect(steps.join()).toContain('the content is taken as it is');
    });

    it.each([
      ['failed', 3, 'its backup hook (dump) ended with exit code 3: no space left'],
      ['failed', null, 'its backup hook (dump) broke off: no space left'],
      [
        'timed-out',
        null,
        'its backup hook (dump) took longer than 5 s and was ended: no space left',
      ],
      ['not-run', null, 'its backup hook (dump) could not be run: no space left'],
    ] as const)('is a gap with its reason where it %s (%s)', async (outcome, exitCode, why) => {
      platform.hookRun = { ranIn: 'i1', outcome, exitCode, said: 'no space left' };
      const { manifest } = await backup();
      expect(manifest.volumes).toEqual([]);
      expect(manifest.missing).toMatchObject([{ kind: 'volume', name: 'app-a1/data', why }]);
    });
  });

  it('is stored once more, in place of what is damaged, once somebody found the damage', async () => {
    const { manifest } = await platform.backup(target);
    const refOf = refsOf(manifest);
    const { index = '' } = manifest.volumes[0] ?? {};
    const [chunk = ''] = (await (await readContent(target, refOf(index))).toArray())
      .join('')
      .split('\n');
    const name = objectName(refOf(chunk).object);
    const good = target.files.get(name) ?? Buffer.alloc(0);
    target.files.set(name, Buffer.alloc(good.length, 1));
    await expect(verifyBackup(target, { onStep })).rejects.toMatchObject({
      code: 'backup-damaged',
    });
    const second = await platform.backup(target, { verificationOf: () => 'failed' });
    expect(second.manifest.addedBytes).toBe(good.length);
    for (const { backupId } of [manifest, second.manifest]) {
      await expect(verifyBackup(target, { backupId, onStep })).resolves.toBeDefined();
    }
  });

  it('that is damaged at the place is found, and nothing of it reaches an engine', async () => {
    const { manifest } = await platform.backup(target);
    const refOf = refsOf(manifest);
    const read = (content: string) => readContent(target, refOf(content));
    const { index = '' } = manifest.volumes[0] ?? {};
    const [chunk = ''] = (await (await read(index)).toArray()).join('').split('\n');
    target.files.set(objectName(refOf(chunk).object), Buffer.from('something else'));
    await expect(verifyBackup(target, { onStep })).rejects.toMatchObject({
      code: 'backup-damaged',
    });
    const engine = new InMemoryVolumeEngine('test');
    await expect(restore(engine, manifest)).rejects.toMatchObject({ code: 'backup-damaged' });
    expect(rowIn(engine)).toBeUndefined();
  });
});
