import { Readable } from 'node:stream';
import { buffer, json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { extract, pack, type Header, type Pack } from 'tar-stream';
import { z } from 'zod';
import type { ContentStore } from '../content/content-store.js';
import type { SavedImage } from '../content/manifest.js';
import type { ImageEngine } from '../engine/image-engine.port.js';

/** Smaller contents stand in the index: an object of its own for each would be many requests. */
const INLINE_BYTES_MAX = 4_096;

const entry = z.strictObject({
  name: z.string(),
  type: z.enum(['file', 'directory', 'symlink', 'link']),
  mode: z.number().int(),
  linkname: z.string().optional(),
  size: z.number().int(),
  /** SHA-256 of the content, where it is an object of its own. */
  content: z.string().optional(),
  /** Base64. */
  inline: z.string().optional(),
});
type ArchiveEntry = z.infer<typeof entry>;
export type ReadContent = (content: string) => Promise<Readable>;
const index = z.strictObject({ entries: z.array(entry) });

/**
 * Saves an image as its engine archives it, but entry by entry: a layer that several images share is one
 * object. Whatever the format of the archive, it is put together again as it was. Undefined where the
 * engine has no such image.
 */
export const saveImage = async (
  store: ContentStore,
  engine: ImageEngine,
  imageId: string,
): Promise<SavedImage | undefined> => {
  const tags = await engine.tagsOf(imageId);
  if (tags === undefined) return undefined;
  const archive = await engine.save(imageId);
  const entries: ArchiveEntry[] = [];
  const reading = extract();
  // Not `for await`: an archive that ends while its last entries are being stored never ends there.
  reading.on('entry', (header, content, next) => {
    void saveEntry(store, header, content)
      .then((saved) => {
        entries.push(saved);
        next();
      })
      .catch((error: unknown) => next(error as Error));
  });
  await pipeline(archive, reading);
  const saved = await store.putBytes(JSON.stringify({ entries }));
  const contents = [...new Set(entries.flatMap(({ content }) => content ?? []))];
  return { id: imageId, tags: [...tags], index: saved, contents };
};

const saveEntry = async (
  store: ContentStore,
  { name, type, mode = 0o644, linkname, size = 0 }: Header,
  content: AsyncIterable<unknown>,
): Promise<ArchiveEntry> => {
  const known = {
    name,
    type: entry.shape.type.parse(type ?? 'file'),
    mode,
    size,
    ...(linkname == null ? {} : { linkname }),
  };
  if (size > INLINE_BYTES_MAX)
    return { ...known, content: await store.put(Readable.from(content)) };
  return { ...known, inline: (await buffer(content)).toString('base64') };
};

/** Takes over what an earlier backup has of it, if all of that is there: the engine is not asked. */
export const reuseImage = (store: ContentStore, saved: SavedImage): boolean =>
  [saved.index, ...saved.contents].every((content) => store.reuse(content));

/** Puts the archive together again and loads it. False when the engine made another image of it. */
export const placeImage = async (
  engine: ImageEngine,
  saved: SavedImage,
  read: ReadContent,
): Promise<boolean> => {
  if ((await engine.tagsOf(saved.id)) === undefined) {
    const { entries } = index.parse(await json(await read(saved.index)));
    const archive = pack();
    const through = Readable.from(archive);
    const writing = writeEntries(archive, entries, read).catch((error: unknown) => {
      through.destroy(error as Error);
      throw error;
    });
    writing.catch(() => undefined);
    await engine.load(through);
    await writing;
  }
  if ((await engine.tagsOf(saved.id)) === undefined) return false;
  for (const tag of saved.tags) await engine.tag(saved.id, tag);
  return true;
};

const writeEntries = async (
  archive: Pack,
  entries: readonly ArchiveEntry[],
  read: ReadContent,
): Promise<void> => {
  for (const { content, inline, linkname, ...rest } of entries) {
    const header = linkname === undefined ? rest : { ...rest, linkname };
    if (content !== undefined) await pipeline(await read(content), archive.entry(header));
    else if (header.type === 'file') archive.entry(header, Buffer.from(inline ?? '', 'base64'));
    else archive.entry(header);
  }
  archive.finalize();
};
