import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { CliError, EXIT } from '../exit-code.js';

/** Writes texts into a file that is there whole or, when something went wrong, as it was before. */
export const writeWhole = async (file: string, texts: AsyncIterable<string>): Promise<void> => {
  const fresh = `${file}.${randomBytes(6).toString('hex')}.part`;
  try {
    // What is exported is about people: for its owner only.
    const handle = await open(fresh, 'wx', 0o600);
    try {
      for await (const text of texts) await handle.write(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => undefined);
    throw isFileError(error)
      ? new CliError(EXIT.failed, 'file-not-written', `cannot write ${file}: ${error.message}`, {
          cause: error,
        })
      : error;
  }
};

const isFileError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error;
