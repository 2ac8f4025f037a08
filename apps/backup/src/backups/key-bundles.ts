import { buffer } from 'node:stream/consumers';
import { readBackupSet } from '../content/backup-set.js';
import { objectName, readContent } from '../content/content-store.js';
import type { Manifest, ObjectRef } from '../content/manifest.js';
import { MASTER_KEY_NAME, openKeys, type KeyFile } from '../parts/keys.js';
import type { BackupTarget } from '../target/backup-target.port.js';
import { isOfLiving } from './plan-bundles.js';

/** A sealed bundle that lies at the target, and the names of the keys in it. */
export interface KeyBundle {
  readonly ref: ObjectRef;
  readonly files: readonly string[];
}

/**
 * The bundles of keys for a backup, the newest first: it holds all keys that were not shredded since. An
 * older one is only there where it has a key that the newest lost. Those of other platforms at the place
 * are none of its business: another recovery key opens them.
 */
export const bundlesFor = async (
  target: BackupTarget,
  manifest: Manifest,
): Promise<readonly KeyBundle[]> => {
  const { backups } = await readBackupSet(target);
  const newestFirst = [...backups.map((one) => one.manifest).toReversed(), manifest].filter(
    ({ platform, keys }) =>
      platform === manifest.platform && keys.recipient === manifest.keys.recipient,
  );
  const listed = new Set((await target.list('objects/')).map(({ name }) => name));
  const bundles = newestFirst.flatMap(({ objects, keys }) =>
    objects
      .filter(({ content, object }) => content === keys.content && listed.has(objectName(object)))
      .map((ref): KeyBundle => ({ ref, files: keys.files })),
  );
  return [...new Map(bundles.map((bundle) => [bundle.ref.object, bundle])).values()];
};

/**
 * Keys of a backup that no bundle at the target has any more, although nobody shredded them. What was
 * shredded cannot be told from here, but the master key never is, and no key of an app that lives.
 */
export const uncoveredKeys = (
  { keys }: Pick<Manifest, 'keys'>,
  bundles: readonly Pick<KeyBundle, 'files'>[],
  livingApps: ReadonlySet<string>,
): readonly string[] => {
  const covered = new Set(bundles.flatMap(({ files }) => files));
  return keys.files.filter(
    (file) => !covered.has(file) && (file === MASTER_KEY_NAME || isOfLiving(file, livingApps)),
  );
};

/** The key files of a backup, from all bundles: those of the newest, and what it lost since. */
export const keysOf = async (
  target: BackupTarget,
  manifest: Manifest,
  recoveryKey: string,
): Promise<readonly KeyFile[]> => {
  const wanted = new Set(manifest.keys.files);
  const files = new Map<string, KeyFile>();
  for (const [i, { ref }] of (await bundlesFor(target, manifest)).entries()) {
    const opened = await openKeys(await buffer(await readContent(target, ref)), recoveryKey);
    for (const file of opened) {
      if (!files.has(file.path) && (i === 0 || wanted.has(file.path))) files.set(file.path, file);
    }
  }
  return [...files.values()];
};
