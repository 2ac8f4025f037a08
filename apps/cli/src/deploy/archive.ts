import { once } from 'node:events';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { pack, type Pack } from 'tar-stream';
import { UNREADABLE_BODY } from '@shiplog/api-client';
import { CliError, EXIT } from '../exit-code.js';
import type { SourceEntry, SourceTree } from './source-files.js';

/** The same for every archive, so that the same files have the same digest; zip knows no time before 1980. */
const MTIME = new Date('2000-01-01T00:00:00Z');
const OWNER = { uid: 0, gid: 0, uname: '', gname: '', mtime: MTIME };

/** The source as a tar stream, made while it is read. Fails with the file's name when one cannot be read. */
export const createArchive = (tree: SourceTree, { gzip }: { readonly gzip: boolean }): Readable => {
  const archive = pack();
  addAll(archive, tree).then(
    () => archive.finalize(),
    (cause: unknown) => archive.destroy(cause instanceof Error ? cause : new Error(String(cause))),
  );
  if (!gzip) return archive as unknown as Readable;
  const compressed = createGzip();
  archive.on('error', (error: Error) => compressed.destroy(error));
  compressed.on('close', () => archive.destroy());
  return (archive as unknown as Readable).pipe(compressed);
};

const addAll = async (archive: Pack, { root, entries }: SourceTree): Promise<void> => {
  for (const entry of entries) {
    if (archive.destroyed) return;
    try {
      await addOne(archive, root, entry);
    } catch (cause) {
      throw new UnreadableSourceError(entry.path, cause);
    }
  }
};

const addOne = async (archive: Pack, root: string, entry: SourceEntry): Promise<void> => {
  const { path: name } = entry;
  if (entry.kind === 'link') {
    archive.entry({ ...OWNER, name, type: 'symlink', linkname: entry.target, mode: 0o777 });
    return;
  }
  const file = await open(join(root, name), 'r');
  try {
    const { size } = await file.stat();
    const target = archive.entry({ ...OWNER, name, size, mode: entry.mode });
    const written = size === 0 ? 0 : await copy(file, target, size);
    if (written !== size) throw new Error('it became shorter while it was read');
    target.end(undefined);
  } finally {
    await file.close();
  }
};

/** No more than the header says: a log file may grow while it is read. */
const copy = async (
  file: FileHandle,
  target: ReturnType<Pack['entry']>,
  size: number,
): Promise<number> => {
  let written = 0;
  for await (const chunk of file.createReadStream({ end: size - 1, autoClose: false })) {
    const bytes = chunk as Buffer;
    written += bytes.length;
    if (!target.write(bytes)) await once(target, 'drain');
  }
  return written;
};

class UnreadableSourceError extends CliError {
  constructor(path: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(EXIT.failed, UNREADABLE_BODY, `cannot read ${path}: ${why}`, {
      cause,
      remedy: 'Make it readable, or leave it out with .gitignore or .shiplogignore.',
    });
  }
}
