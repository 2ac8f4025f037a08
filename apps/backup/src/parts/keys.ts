import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { pathsOf, type PlatformConfig } from '@shiplog/runtime';
import { Decrypter, Encrypter } from 'age-encryption';
import { z } from 'zod';
import { BackupError } from '../backup-error.js';

/** A secret file of the home, by its path in there. */
const keyFile = z.strictObject({ path: z.string(), text: z.string() });
export type KeyFile = z.infer<typeof keyFile>;
const bundle = z.strictObject({ files: z.array(keyFile) });

/** Everything in a home that must not be readable by who has a backup. */
export const keyFiles = async ({ home, masterKeyFile }: Home): Promise<readonly KeyFile[]> => {
  const files: KeyFile[] = [];
  for (const path of await keyMaterial(home)) {
    const content = await readFile(path, 'base64').catch((error: unknown) => {
      // Shredded between the two looks, or not there at all: then it is not to be kept, either.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    });
    const name = relative(home, path).split(sep).join('/');
    if (content !== undefined) files.push({ path: name, text: content });
  }
  if (masterKeyFile === pathsOf(home).masterKey) return files;
  // It lies elsewhere: in a backup it has the place that it has by default.
  const content = await readFile(masterKeyFile, 'base64').catch(() => undefined);
  return content === undefined ? files : [...files, { path: MASTER_KEY_NAME, text: content }];
};

/** Where a backup has the master key, wherever it lies on the machine. */
export const MASTER_KEY_NAME = 'master-key/master.key';

type Home = Pick<PlatformConfig, 'home' | 'masterKeyFile'>;

/** Where key material lies in a home: keys of apps and of people, the master key, what signs the log. */
const keyMaterial = async (home: string): Promise<readonly string[]> => {
  const { keys, personKeys, masterKey, credentials } = pathsOf(home);
  const folders = [keys, personKeys, dirname(masterKey)];
  const below = (await Promise.all(folders.map((folder) => filesBelow(folder)))).flat();
  const signing = (await filesBelow(join(home, 'integrity'))).filter(isSecretName);
  return [...below, ...signing, credentials].toSorted();
};

/** A file of the integrity folder that signs: it goes where keys go. */
export const isSecretName = (path: string): boolean => /\.(?:key|pem|seed)$/.test(path);

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
export const placeKeys = async (
  { home, masterKeyFile }: Home,
  files: readonly KeyFile[],
): Promise<void> => {
  for (const { path, text } of files) {
    const inHome = join(home, path);
    const file = inHome === pathsOf(home).masterKey ? masterKeyFile : inHome;
    if (!inHome.startsWith(`${home}${sep}`)) throw new Error(`${path} leaves the home`);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(`${file}.new`, Buffer.from(text, 'base64'), { mode: 0o600, flush: true });
    await rename(`${file}.new`, file);
    const folder = await open(dirname(file), 'r');
    await folder.sync();
    await folder.close();
  }
};
