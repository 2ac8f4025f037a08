import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { pack } from 'tar-stream';

/** Where the apps of this directory, and the sample, lie. */
export const appDirectory = (name: string): string =>
  fileURLToPath(
    name === 'sample'
      ? new URL('../../../samples/hello', import.meta.url)
      : new URL(`./${name}`, import.meta.url),
  );

/** A source archive of texts by name. */
export const tarOf = (files: Readonly<Record<string, string>>): Readable => {
  const out = pack();
  for (const [name, text] of Object.entries(files)) out.entry({ name }, text);
  out.finalize();
  return out as unknown as Readable;
};

/** A source archive of an app of this directory; `changes` replace or add files. */
export const tarOfApp = async (
  name: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<Readable> => tarOf({ ...(await filesOf(name)), ...changes });

/** The files of an app by name. */
export const filesOf = async (name: string): Promise<Record<string, string>> => {
  const root = appDirectory(name);
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
