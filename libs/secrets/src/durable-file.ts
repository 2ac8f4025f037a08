import { randomBytes } from 'node:crypto';
import { link, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What `replaceFile` and `createFile` write first, and a crash may leave. */
export const FRESH_FILE_PATTERN = /\.[0-9a-f]{12}$/;

/** The whole old content or the whole new one, after any crash; on disk when it resolves. Yours only. */
export const replaceFile = async (file: string, text: string): Promise<void> => {
  const fresh = await writeFresh(file, text);
  try {
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
  await syncFolder(dirname(file));
};

/** As `replaceFile`, where there is no such file; false where there is one already. */
export const createFile = async (file: string, text: string): Promise<boolean> => {
  const fresh = await writeFresh(file, text);
  try {
    // A second writer at the same moment must not replace it: link fails where rename would not.
    await link(fresh, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(fresh, { force: true });
    await syncFolder(dirname(file));
  }
};

export const removeFile = async (file: string): Promise<void> => {
  await rm(file, { force: true });
  await syncFolder(dirname(file));
};

const writeFresh = async (file: string, text: string): Promise<string> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(fresh, text, { mode: 0o600, flush: true });
  return fresh;
};

/** The name, too, has to be on disk: the log outlives a power cut. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
