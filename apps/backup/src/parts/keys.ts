import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { pathsOf } from '@shiplog/runtime';
import { Decrypter, Encrypter } from 'age-encryption';
import { z } from 'zod';
import { BackupError } from '../backup-error.js';

/** A secret file of the home, by its path in there. */
const keyFile = z.strictObject({ path: z.string(), text: z.string() });
export type KeyFile = z.infer<typeof keyFile>;
const bundle = z.strictObject({ files: z.array(keyFile) });

/** Everything in a home that must not be readable by who has a backup. */
export const keyFiles = async (home: string): Promise<readonly KeyFile[]> => {
  const { keys, credentials } = pathsOf(home);
  const paths = [...(await filesBelow(keys)), credentials];
  const files: KeyFile[] = [];
  for (const path of paths.toSorted()) {
    const content = await readFile(path, 'base64').catch((error: unknown) => {
      // Shredded between the two looks, or not there at all: then it is not to be kept, either.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    });
    const name = relative(home, path).split(sep).join('/');
    if (content !== undefined) files.push({ path: name, text: content });
  }
  return files;
};

/** A key that is just being made has a second suffix, and is not one yet. */
const filesBelow = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    },
  );
  return entries
    .filter((entry) => entry.isFile() && !/\.key\.[0-9a-f]+$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
};

const plainOf = (files: readonly KeyFile[]): string => JSON.stringify({ files });

/** Changes when any key does. It says nothing of keys: they are random, and it never leaves the home. */
export const fingerprintOf = (files: readonly KeyFile[], recipient: string): string =>
  createHash('sha256')
    .update(`${recipient}\n${plainOf(files)}`)
    .digest('hex');

/** An age file that only the recovery key opens. */
export const sealKeys = (files: readonly KeyFile[], recipient: string): Promise<Uint8Array> => {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return encrypter.encrypt(plainOf(files));
};

export const openKeys = async (
  sealed: Uint8Array,
  recoveryKey: string,
): Promise<readonly KeyFile[]> => {
  const decrypter = new Decrypter();
  let text: string;
  try {
    decrypter.addIdentity(recoveryKey);
    text = await decrypter.decrypt(sealed, 'text');
  } catch (cause) {
    throw new BackupError(
      'recovery-key-invalid',
      'this recovery key does not open the keys of the backup; give the file with the AGE-SECRET-KEY-… that was shown when the first backup was made',
      { cause },
    );
  }
  return bundle.parse(JSON.parse(text)).files;
};

/** Puts them where they were; durable when it resolves. */
export const placeKeys = async (home: string, files: readonly KeyFile[]): Promise<void> => {
  for (const { path, text } of files) {
    const file = join(home, path);
    if (!`${file}${sep}`.startsWith(`${home}${sep}`)) throw new Error(`${path} leaves the home`);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, Buffer.from(text, 'base64'), { mode: 0o600, flush: true });
    await rename(`${file}.new`, file);
    const folder = await open(dirname(file), 'r');
    await folder.sync();
    await folder.close();
  }
};
