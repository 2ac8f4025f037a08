import type { KnownBackup } from '@shiplog/domain';
import { BackupError } from '../backup-error.js';
import { readContent } from '../content/content-store.js';
import type { Manifest, ObjectRef } from '../content/manifest.js';
import type { BackupTarget } from '../target/backup-target.port.js';

export type VerificationOf = (backupId: string) => KnownBackup['verification'];

/**
 * Objects of backups that were found damaged, which object it is was not written down: a new backup that
 * relied on them would be as damaged. Not those that a newer backup has which was read back whole.
 */
export const suspectObjects = (
  manifests: readonly Manifest[],
  verificationOf: VerificationOf,
): readonly ObjectRef[] => {
  const suspects = new Map<string, ObjectRef>();
  for (const { backupId, objects } of manifests) {
    const verification = verificationOf(backupId);
    for (const ref of objects) {
      if (verification === 'failed') suspects.set(ref.object, ref);
      if (verification === 'verified') suspects.delete(ref.object);
    }
  }
  return [...suspects.values()];
};

/** Reads them back: those that do not hold what they were written with, or are not there. */
export const damagedAmong = async (
  target: BackupTarget,
  suspects: readonly ObjectRef[],
  { onStep, signal }: { readonly onStep: (text: string) => void; readonly signal: AbortSignal },
): Promise<ReadonlySet<string>> => {
  const damaged = new Set<string>();
  if (suspects.length > 0) onStep(`${suspects.length} objects of backups that were found damaged`);
  for (const ref of suspects) {
    signal.throwIfAborted();
    try {
      for await (const chunk of await readContent(target, ref)) void chunk;
    } catch (error) {
      if (!(error instanceof BackupError && error.code === 'backup-damaged')) throw error;
      damaged.add(ref.object);
    }
  }
  return damaged;
};
