import { kept, parseKeep } from '@shiplog/domain';
import { describeError, faultPoint } from '@shiplog/runtime';
import { objectName } from '../content/content-store.js';
import { manifestName, type Manifest } from '../content/manifest.js';
import type { BackupTarget } from '../target/backup-target.port.js';
import type { Lineage } from './lineage.js';
import { planBundles } from './plan-bundles.js';

export interface Pruned {
  readonly backupIds: readonly string[];
  readonly bytes: number;
  /** What kept it from its end; the next run goes on. The backup that was made is no worse for it. */
  readonly problem: string | null;
}

interface PruneOptions {
  readonly keep: string | null;
  readonly livingApps: ReadonlySet<string>;
}

/**
 * Removes backups that the policy does not keep, then every object that none of the others refers to; of
 * what is cut off the next run removes the rest. The caller holds the lock of the target, and these are all
 * manifests there are: of one that cannot be read nobody knows what it refers to. Those of another log stay,
 * with all they refer to, their keys too: this log cannot tell which of them anybody still needs.
 */
export const prune = async (
  target: BackupTarget,
  lineage: Lineage,
  options: PruneOptions,
): Promise<Pruned> => {
  const removed = { backupIds: [], bytes: 0 };
  try {
    await removeUnneeded(target, lineage, options, removed);
    return { ...removed, problem: null };
  } catch (error) {
    return { ...removed, problem: describeError(error) };
  }
};

const removeUnneeded = async (
  target: BackupTarget,
  { ours, others }: Lineage,
  { keep, livingApps }: PruneOptions,
  removed: { backupIds: string[]; bytes: number },
): Promise<void> => {
  const rule = keep === null ? undefined : parseKeep(keep);
  const dated = ours.map(({ backupId, createdAt }) => ({ id: backupId, createdAt }));
  const stay = rule === undefined ? undefined : kept(dated, rule);
  const gone = ours.filter(({ backupId }) => stay?.has(backupId) === false);
  for (const { backupId } of gone) {
    await target.remove(manifestName(backupId));
    removed.backupIds.push(backupId);
  }
  faultPoint('backup/after-manifests-pruned');
  const left = ours.filter((one) => !gone.includes(one));
  const bundles = planBundles(left, livingApps);
  const needed = new Set([
    ...left.flatMap((one) => objectsOf(one, bundles.kept)),
    ...others.flatMap(({ objects }) => objects.map(({ object }) => objectName(object))),
  ]);
  for (const { name, bytes } of await target.list('objects/')) {
    if (needed.has(name)) continue;
    await target.remove(name);
    removed.bytes += bytes;
  }
};

const objectsOf = ({ objects, keys }: Manifest, bundles: ReadonlySet<string>): readonly string[] =>
  objects
    .filter(({ content }) => content !== keys.content || bundles.has(content))
    .map(({ object }) => objectName(object));
