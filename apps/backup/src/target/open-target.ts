import { realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { BackupError } from '../backup-error.js';
import type { BackupTarget } from './backup-target.port.js';
import { DirectoryBackupTarget } from './directory-backup-target.js';
import { parseTarget } from './target-address.js';

export type OpenTarget = (address: string) => Promise<BackupTarget>;

/** The place that an address names. Never one inside the home: who loses that would lose both. */
export const openTarget = async (address: string, home: string): Promise<BackupTarget> => {
  const place = parseTarget(address);
  if (place.kind === 's3') {
    // Loaded when it is needed: most platforms never do, and it takes a quarter of a second.
    const { S3BackupTarget } = await import('./s3-backup-target.js');
    return new S3BackupTarget(address, place);
  }
  await refuseInside(place.path, home);
  return DirectoryBackupTarget.open(place.path);
};

const refuseInside = async (path: string, home: string): Promise<void> => {
  const [real, realHome] = await Promise.all([realOf(path), realOf(home)]);
  if (!`${real}${sep}`.startsWith(`${realHome}${sep}`)) return;
  throw new BackupError(
    'backup-target-invalid',
    `${path} lies inside the data directory ${home}: who loses that would lose its backups, too. Choose a folder on another disk`,
  );
};

const realOf = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));
