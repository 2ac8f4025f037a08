import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from './encode.js';
import type { SnapshotStore } from './feed.js';

/**
 * One file per fold, replaced atomically, readable by its owner only: a checksum, then JSON. A file that
 * is missing, cut short or altered is no snapshot: the fold starts from the log, which is always right.
 */
export const fileSnapshotStore = (directory: string): SnapshotStore => ({
  place: directory,
  load: async (name) => {
    const text = await readFile(join(directory, `${name}.json`), 'utf8').catch(() => '');
    const lineEnd = text.indexOf('\n');
    const body = text.slice(lineEnd + 1);
    if (lineEnd < 0 || text.slice(0, lineEnd) !== sha256(body)) return undefined;
    return JSON.parse(body) as Awaited<ReturnType<SnapshotStore['load']>>;
  },
  save: async (name, snapshot) => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = join(directory, `${name}.json`);
    const body = JSON.stringify(snapshot);
    await writeFile(`${file}.new`, `${sha256(body)}\n${body}`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  },
});
