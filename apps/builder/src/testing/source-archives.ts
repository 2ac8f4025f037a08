import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { pack, type Header } from 'tar-stream';

/** The apps of `test/support/apps`, and `sample`. */
const directoryOf = (name: string): string =>
  fileURLToPath(
    name === 'sample'
      ? new URL('../../../../samples/hello', import.meta.url)
      : new URL(`../../../../test/support/apps/${name}`, import.meta.url),
  );

/** A source archive of texts by name. */
export const tarOf = (files: Readonly<Record<string, string>>): Readable => {
  const out = pack();
  for (const [name, text] of Object.entries(files)) out.entry({ name }, text);
  out.finalize();
  return out as unknown as Readable;
};

/** An archive of entries without content, as a stranger may send it. */
export const tarOfHeaders = (
  headers: readonly (Partial<Header> & Pick<Header, 'name'>)[],
): Readable => {
  const out = pack();
  for (const header of headers) out.entry({ ...header, size: 0 }, '');
  out.finalize();
  return out as unknown as Readable;
};

/** A source archive of a test app; `changes` replace or add files. */
export const tarOfApp = async (
  name: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<Readable> => tarOf({ ...(await filesOf(name)), ...changes });

/** The files of an app by name. */
const filesOf = async (name: string): Promise<Record<string, string>> => {
  const root = directoryOf(name);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Object.fromEntries(
    await Promise.all(
      files.map(async (file) => {
        const path = join(file.parentPath, file.name);
        return [relative(root, path), await readFile(path, 'utf8')] as const;
      }),
    ),
  );
};
