import type { EventLog } from '@shiplog/events/log';
import { BackupError } from '../backup-error.js';
import type { Manifest } from '../content/manifest.js';
import { hashAt } from '../parts/log-segments.js';

export interface Lineage {
  /** Backups of the log that is saved now: what they have of it is a part of it. Oldest first. */
  readonly ours: readonly Manifest[];
  /** Of another platform, or of what this one's log held before it was restored from an older backup. */
  readonly others: readonly Manifest[];
}

/** A backup is of this log if it ends at a commit that the log has at that place, with that hash. */
export const lineageOf = async (
  { log, platform }: { readonly log: Pick<EventLog, 'readStored'>; readonly platform: string },
  manifests: readonly Manifest[],
): Promise<Lineage> => {
  const ours: Manifest[] = [];
  const others: Manifest[] = [];
  for (const manifest of manifests) {
    const isOurs =
      manifest.platform === platform &&
      manifest.headHash !== null &&
      (await hashAt(log, manifest.position)) === manifest.headHash;
    (isOurs ? ours : others).push(manifest);
  }
  return { ours, others };
};

/** Two platforms at one place would each take the other's backups for its own old ones. */
export const refuseForeign = (address: string, { ours, others }: Lineage): void => {
  const newest = others.at(-1);
  if (newest === undefined || ours.length > 0) return;
  throw new BackupError(
    'backup-of-another-log',
    `${address} holds backups of another log, the newest is ${newest.backupId} of platform "${newest.platform}". Choose another folder or prefix for this platform; or, if this is the machine that takes the place of the lost one, restore that backup first: shiplog backup restore --from ${address}`,
  );
};
