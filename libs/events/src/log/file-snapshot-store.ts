import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotStore } from './feed.js';

/** One JSON file per fold, replaced atomically, readable by its owner only. */
export const fileSnapshotStore = (directory: string): SnapshotStore => ({
  load: async (name) => {
    try {
      return JSON.parse(await readFile(join(directory, `${name}.json`), 'utf8'));
    } catch {
      // Missing or half-written: the fold starts from the log, which is always right.
      return undefined;
    }
  },
  save: async (name, snapshot) => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = join(directory, `${name}.json`);
    await writeFile(`${file}.new`, JSON.stringify(snapshot), { mode: 0o600 });
    await rename(`${file}.new`, file);
  },
});
