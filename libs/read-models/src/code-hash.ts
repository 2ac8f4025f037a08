import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_SETTINGS } from '@shiplog/domain';
import { PROJECTIONS } from './projections/index.js';

/**
 * Changes whenever the code changes that makes documents: the tables are then folded again. Hashes the
 * projections as they run (compiled or not), and what they take from elsewhere.
 */
export const projectionCodeHash = async (): Promise<string> => {
  const hash = createHash('sha256');
  hash.update(JSON.stringify(DEFAULT_SETTINGS));
  hash.update(JSON.stringify(PROJECTIONS.map(({ model, version }) => [model, version])));
  for (const file of await codeFiles()) hash.update(await readFile(file));
  return hash.digest('hex');
};

/** The same, and of what lays documents into tables: names the code that may use a snapshot file. */
export const snapshotCodeHash = async (): Promise<string> => {
  const hash = createHash('sha256').update(await projectionCodeHash());
  const here = dirname(fileURLToPath(import.meta.url));
  for (const folder of ['.', 'sql']) {
    for (const file of await codeFilesIn(join(here, folder))) hash.update(await readFile(file));
  }
  return hash.digest('hex');
};

const codeFiles = async (): Promise<string[]> => {
  const here = fileURLToPath(import.meta.url);
  const code = await codeFilesIn(join(dirname(here), 'projections'));
  // In a bundle all code is one file.
  return code.length === 0 ? [here] : code;
};

const codeFilesIn = async (folder: string): Promise<string[]> => {
  const files = await readdir(folder).catch(() => []);
  const code = files.filter((file) => /(?<!\.d|\.spec)\.(js|ts)$/.test(file)).toSorted();
  return code.map((file) => join(folder, file));
};
