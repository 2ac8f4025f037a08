import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { LABEL } from '@shiplog/engine';
import { extract, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VOLUME_ROOT, type VolumeEngine } from './volume-engine.port.js';

export interface VolumeWorld {
  readonly engine: VolumeEngine;
  /** Whose volumes the engine sees. */
  readonly platform: string;
  /** Makes a volume of somebody else. */
  makeForeign(volume: string): Promise<void>;
  /** Containers that hold a volume for a copy. */
  holders(): Promise<number>;
  clear(): Promise<void>;
}

const mtime = new Date('2026-01-02T03:04:05Z');
const ENTRIES = [
  { name: 'volume/', type: 'directory', mode: 0o750, uid: 1234, gid: 55 },
  { name: 'volume/a', type: 'file', mode: 0o640, uid: 7, gid: 8, text: 'hello' },
  { name: 'volume/b/', type: 'directory', mode: 0o700, uid: 0, gid: 0 },
  { name: 'volume/b/run', type: 'file', mode: 0o4755, uid: 9, gid: 9, text: '#!/bin/sh' },
  { name: 'volume/l', type: 'symlink', mode: 0o777, uid: 3, gid: 3, linkname: '/etc/passwd' },
] as const;

export const volumeArchive = (
  entries: readonly ((typeof ENTRIES)[number] | { name: string; type: 'file'; text: string })[],
): Readable => {
  const archive = pack();
  for (const { text, ...header } of entries.map((one) => ({ text: '', mtime, ...one }))) {
    if (header.type === 'file') archive.entry(header, text);
    else archive.entry(header);
  }
  archive.finalize();
  return Readable.from(archive);
};

const entriesOf = async (archive: Readable) => {
  const found: unknown[] = [];
  const reading = extract();
  reading.on('entry', (header, stream, next) => {
    void buffer(stream).then((content) => {
      const { name, type, mode = 0, uid, gid, linkname } = header;
      const isFile = type === 'file';
      found.push({
        ...{ name, type, mode: mode & 0o7777, uid, gid },
        ...(linkname == null ? {} : { linkname }),
        ...(isFile ? { text: content.toString() } : {}),
      });
      if (isFile) expect(header.mtime).toEqual(mtime);
      next();
    }, next);
  });
  await pipeline(archive, reading);
  return found;
};

/** What any engine must do for the content of volumes. `prefix` is unique to the run: engines are shared. */
export const describeVolumeEngine = (
  name: string,
  prefix: string,
  createWorld: () => Promise<VolumeWorld>,
): void => {
  describe(`${name} as a VolumeEngine`, () => {
    let world: VolumeWorld;
    const volume = `${prefix}-data`;
    beforeEach(async () => {
      world = await createWorld();
    });
    afterEach(() => world.clear());
    const create = () =>
      world.engine.create(volume, { [LABEL.platform]: world.platform, [LABEL.volume]: 'vol_1' });

    it('gives out what it was given: contents, owners, modes, times, links, the directory itself', async () => {
      await create();
      await world.engine.write(volume, volumeArchive(ENTRIES));
      expect(await entriesOf(await world.engine.read(volume))).toEqual(ENTRIES);
      expect(await world.holders()).toBe(0);
    });

    it('makes a volume once, and leaves what is in it', async () => {
      await create();
      await world.engine.write(volume, volumeArchive(ENTRIES));
      await create();
      expect(await entriesOf(await world.engine.read(volume))).toHaveLength(ENTRIES.length);
    });

    it('holds a volume no longer when nobody reads on', async () => {
      await create();
      await world.engine.write(volume, volumeArchive(ENTRIES));
      const archive = await world.engine.read(volume);
      for await (const chunk of archive) {
        expect(chunk).toBeDefined();
        break;
      }
      await expect.poll(() => world.holders()).toBe(0);
      await world.engine.remove(volume);
      expect(await world.engine.has(volume)).toBe(false);
    });

    it('removes one that a copy which was cut off still holds', async () => {
      await create();
      const unread = await world.engine.read(volume);
      await world.engine.remove(volume);
      expect(await world.engine.has(volume)).toBe(false);
      expect(await world.holders()).toBe(0);
      unread.destroy();
    });

    it('knows only volumes of its platform, and makes none by being asked', async () => {
      expect(await world.engine.has(volume)).toBe(false);
      await expect(world.engine.read(volume)).rejects.toMatchObject({
        code: 'engine-unavailable',
        message: expect.stringContaining('does not have it') as string,
      });
      await world.makeForeign(volume);
      expect(await world.engine.has(volume)).toBe(false);
      const writing = world.engine.write(volume, volumeArchive(ENTRIES));
      await expect(writing).rejects.toMatchObject({ code: 'engine-unavailable' });
      await expect(create()).rejects.toMatchObject({ code: 'engine-unavailable' });
      await world.engine.remove(volume);
      expect(await world.holders()).toBe(0);
    });

    it('says that an archive broke off, and why', async () => {
      await create();
      const whole = await buffer(volumeArchive(ENTRIES));
      const chunks = function* (): Generator<Buffer> {
        yield whole.subarray(0, 700);
        throw new Error('the disk is gone');
      };
      const writing = world.engine.write(volume, Readable.from(chunks()));
      await expect(writing).rejects.toMatchObject({ code: 'engine-unavailable' });
      expect(await world.holders()).toBe(0);
      expect(VOLUME_ROOT).toBe('volume');
    });
  });
};
