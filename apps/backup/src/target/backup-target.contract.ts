import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackupTarget } from './backup-target.port.js';

/** More than one part of an upload in parts. */
const LARGE_BYTES = 11 * 1024 * 1024;

/** What any place for backups must do. `create` gives an empty one. */
export const describeBackupTarget = (
  name: string,
  create: () => Promise<{ target: BackupTarget; clear: () => Promise<void> }>,
): void => {
  describe(`${name} as a BackupTarget`, () => {
    let target: BackupTarget;
    let clear: () => Promise<void>;
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'shiplog-backup-target-'));
      ({ target, clear } = await create());
    });
    afterEach(async () => {
      await target.close();
      await clear();
      await rm(folder, { recursive: true, force: true });
    });

    const put = async (as: string, content: Buffer | string): Promise<void> => {
      const file = join(folder, 'content');
      await writeFile(file, content);
      await target.put(as, file);
    };
    const get = async (as: string): Promise<Buffer> => buffer(await target.read(as));
    const names = async (prefix: string): Promise<string[]> =>
      (await target.list(prefix)).map((one) => one.name).toSorted();

    it('gives back what was put, byte for byte', async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      await put('objects/ab/one', bytes);
      expect(await get('objects/ab/one')).toEqual(bytes);
    });

    it('keeps an empty file and one of several parts', async () => {
      await put('objects/empty', '');
      expect(await get('objects/empty')).toEqual(Buffer.alloc(0));
      const large = Buffer.alloc(LARGE_BYTES, 'shiplog');
      await put('objects/large', large);
      expect((await get('objects/large')).equals(large)).toBe(true);
      expect(await target.list('objects/large')).toEqual([
        { name: 'objects/large', bytes: LARGE_BYTES },
      ]);
    });

    it('lists by prefix, with sizes, and nothing half written', async () => {
      expect(await target.list('objects/')).toEqual([]);
      await put('objects/ab/one', '1');
      await put('objects/cd/two', '22');
      await put('backups/x.json', '{}');
      expect(await names('objects/')).toEqual(['objects/ab/one', 'objects/cd/two']);
      expect(await names('')).toEqual(['backups/x.json', 'objects/ab/one', 'objects/cd/two']);
      expect(await target.list('objects/cd/')).toEqual([{ name: 'objects/cd/two', bytes: 2 }]);
    });

    it('replaces what has the name', async () => {
      await put('locks/a', 'first');
      await put('locks/a', 'second');
      expect((await get('locks/a')).toString()).toBe('second');
    });

    it('says which name is not there', async () => {
      const reading = target.read('objects/none').then((content) => buffer(content));
      await expect(reading).rejects.toMatchObject({
        code: 'backup-damaged',
        message: expect.stringContaining('objects/none') as string,
      });
    });

    it('removes, and a second time nothing', async () => {
      await put('objects/ab/one', '1');
      await target.remove('objects/ab/one');
      await target.remove('objects/ab/one');
      expect(await names('')).toEqual([]);
    });
  });
};
