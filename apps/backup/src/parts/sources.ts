import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { createReadStream } from 'node:fs';
import type { BackupGap } from '@shiplog/events';
import type { ContentStore } from '../content/content-store.js';

/** A source is named by the SHA-256 of its archive: what is there already is not even read. */
export const saveSource = async (
  store: ContentStore,
  folder: string,
  digest: string,
): Promise<{ readonly content: string } | { readonly missing: BackupGap }> => {
  const hex = digest.replace(/^sha256:/, '');
  if (store.reuse(hex)) return { content: hex };
  const file = join(folder, `${hex}.tar`);
  const isThere = await access(file).then(
    () => true,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    },
  );
  if (!isThere) return gap(digest, 'it is not in the source store any more');
  const content = await store.put(createReadStream(file));
  // Damaged on the disk of the platform: kept as what it is would be worse than not at all.
  return content === hex
    ? { content }
    : gap(digest, 'its file holds something else than its name says');
};

const gap = (name: string, why: string): { missing: BackupGap } => ({
  missing: { kind: 'source', name, why },
});
