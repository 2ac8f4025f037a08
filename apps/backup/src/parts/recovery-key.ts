import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathsOf } from '@shiplog/runtime';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { BackupError } from '../backup-error.js';

/** What the backup process keeps for itself. */
export const backupPaths = (home: string) => {
  const folder = pathsOf(home).backup;
  return {
    /** The recovery key, until somebody has put it elsewhere. */
    recoveryKey: join(folder, 'recovery-key.txt'),
    /** Its public half: all that a backup needs. */
    recipient: join(folder, 'recipient.txt'),
    /** Which sealed bundle holds the keys as they are. */
    sealed: join(folder, 'sealed.json'),
    staging: join(folder, 'staging'),
    /** Left by a restore, for the first start after it. */
    restored: join(folder, 'restored.json'),
  };
};

export interface RecoveryKeyPlace {
  readonly recipient: string;
  /** Where the secret half lies; null when it is not on this machine (any more). */
  readonly file: string | null;
}

/**
 * The public half of the recovery key, made with the first backup. The secret half lies in the home until
 * somebody moves it to where it will be when the home is lost; it is never in a backup.
 */
export const ensureRecoveryKey = async (home: string): Promise<RecoveryKeyPlace> => {
  const { recipient: file, recoveryKey } = backupPaths(home);
  const known = await read(file);
  if (known !== undefined) return { recipient: known, file: await placeOf(recoveryKey) };
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const kept = await read(recoveryKey);
  const secret = kept === undefined ? await generateX25519Identity() : identityIn(kept);
  const recipient = await identityToRecipient(secret);
  if (kept === undefined) {
    await writeFile(
      recoveryKey,
      `# Recovery key of the backups of ${home}.\n# Keep it elsewhere, then delete it here: without it no config value can be restored.\n# public key: ${recipient}\n${secret}\n`,
      { mode: 0o600, flush: true },
    );
  }
  await writeOnce(file, `${recipient}\n`);
  return ensureRecoveryKey(home);
};

/** The key in what a person gives: a file of age, or the bare line. */
export const identityIn = (text: string): string => {
  const found = text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => /^AGE-SECRET-KEY-(PQ-)?1[0-9A-Z]+$/.test(line));
  if (found !== undefined) return found;
  throw new BackupError(
    'recovery-key-invalid',
    'the file holds no recovery key: a line that begins with AGE-SECRET-KEY-1',
  );
};

const read = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').then(
    (text) => text.trim(),
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    },
  );

const placeOf = async (file: string): Promise<string | null> =>
  (await read(file)) === undefined ? null : file;

/** The first of two writers at once wins, and both go by what it wrote. */
const writeOnce = async (file: string, text: string): Promise<void> => {
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, text, { mode: 0o600, flush: true });
  await link(fresh, file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
  await rm(fresh, { force: true });
};
