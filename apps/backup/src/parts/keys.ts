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

/** While the master key is replaced, files of both sides of a step may be read: then once more. */
const READS_MAX = 5;

/**
 * Everything in a home that must not be readable by who has a backup, as it was in one moment: a key and no
 * master key that opens it would be no key. Throws `keys-unreadable` rather than leave one out.
 */
export const keyFiles = async (
  home: Home,
  read: ReadBytes = readFile,
): Promise<readonly KeyFile[]> => {
  let orphans: readonly string[] = [];
  for (let i = 0; i < READS_MAX; i += 1) {
    const files = await readOnce(home, read);
    orphans = orphansIn(files);
    if (orphans.length === 0) return files;
  }
  throw new BackupError(
    'keys-unreadable',
    `the master key file ${home.masterKeyFile} does not hold the master key of ${orphans.slice(0, 3).join(', ')}${orphans.length > 3 ? ` and ${orphans.length - 3} more` : ''}: a backup of them could not be restored. Put the file back that belongs to them (\`shiplog keys list\` tells), or take away keys that nothing needs`,
  );
};

type ReadBytes = (path: string) => Promise<Buffer>;

const readOnce = async (
  { home, masterKeyFile }: Home,
  read: ReadBytes,
): Promise<readonly KeyFile[]> => {
  const { masterKey } = pathsOf(home);
  const inHome = (await keyMaterial(home)).filter((path) => path !== masterKey);
  const files: KeyFile[] = [];
  // The master key last, and where it lies: in a backup it has the place that it has by default.
  for (const path of [...inHome, masterKeyFile]) {
    const content = await read(path).catch((error: unknown) => {
      // Shredded between the two looks, or not there at all: then it is not to be kept, either.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw unreadable(path, error);
    });
    const name = path === masterKeyFile ? MASTER_KEY_NAME : relative(home, path);
    if (content === undefined) continue;
    files.push({ path: name.split(sep).join('/'), text: content.toString('base64') });
  }
  return files;
};

const unreadable = (path: string, cause: unknown): BackupError =>
  new BackupError('keys-unreadable', `reading ${path} (may the backup process read it?)`, {
    cause,
  });

/** Of the two kinds of key files no more than tells which belong together. */
const wrappedKey = z.object({ masterKeyId: z.string() });
const masterKeys = z.object({ masterKeys: z.array(z.object({ id: z.string() })) });

/** Keys that no master key among the files opens. */
const orphansIn = (files: readonly KeyFile[]): readonly string[] => {
  const master = masterKeys.safeParse(jsonIn(files.find(({ path }) => path === MASTER_KEY_NAME)));
  const there = new Set(master.data?.masterKeys.map(({ id }) => id));
  const isOrphan = (file: KeyFile): boolean => {
    const key = wrappedKey.safeParse(file.path.endsWith('.key') ? jsonIn(file) : undefined);
    return key.success && !there.has(key.data.masterKeyId);
  };
  return files.filter(isOrphan).map(({ path }) => path);
};

const jsonIn = (file: KeyFile | undefined): unknown => {
  try {
    return JSON.parse(Buffer.from(file?.text ?? '', 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
};

/** Where a backup has the master key, wherever it lies on the machine. */
export const MASTER_KEY_NAME = 'master-key/master.key';

type Home = Pick<PlatformConfig, 'home' | 'masterKeyFile'>;

/**
 * Where key material lies in a home: keys of apps, people and certificates, the master key, what signs the log,
 * and what the proofs of domains are made of: with another one, no TXT record that teams have set counts.
 */
const keyMaterial = async (home: string): Promise<readonly string[]> => {
  const { keys, personKeys, platformKeys, certificates, masterKey, credentials, domainKey } =
    pathsOf(home);
  const folders = [
    ...[keys, personKeys, platformKeys, certificates],
    ...[dirname(masterKey), dirname(domainKey)],
  ];
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
      throw unreadable(folder, error);
    },
  );
  return entries
    .filter((entry) => entry.isFile() && !/\.(?:key|json)\.[0-9a-f]+$/.test(entry.name))
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
