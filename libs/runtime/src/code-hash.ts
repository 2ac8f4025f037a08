import { createHash, randomUUID } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

let known: Promise<string> | undefined;

/**
 * Names the code that folds the world: SHA-256 over the files of libs/domain and libs/events as they
 * run. A snapshot made by other code is thrown away. Computed once per Node.js process.
 */
export const foldCodeHash = (): Promise<string> => (known ??= computeFoldCodeHash());

const computeFoldCodeHash = async (): Promise<string> => {
  try {
    const hash = createHash('sha256');
    for (const name of ['@shiplog/domain', '@shiplog/events']) {
      const root = dirname(fileURLToPath(import.meta.resolve(name)));
      const entries = await readdir(root, { recursive: true });
      const code = entries.filter((file) => /\.(js|ts)$/.test(file) && !file.endsWith('.d.ts'));
      for (const file of code.toSorted()) {
        hash.update(`${file}\0`).update(await readFile(join(root, file)));
      }
    }
    return hash.digest('hex');
  } catch {
    // Code that cannot be named is trusted with no snapshot: a fold from the log is always right.
    return `unknown-${randomUUID()}`;
  }
};
