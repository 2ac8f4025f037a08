import type { Manifest } from '../content/manifest.js';

type WithKeys = Pick<Manifest, 'backupId' | 'keys'>;

export interface Bundles {
  /** Contents of the sealed bundles that stay. */
  readonly kept: ReadonlySet<string>;
  /** Key files that are gone although their apps are there: they are only in older bundles. */
  readonly lost: readonly string[];
}

/**
 * One bundle of keys is enough, the newest: keys are only added, and one that was destroyed on purpose is to
 * be gone from every backup. But a key that the newest lacks while its app lives was lost, and the bundle
 * that has it stays. `manifests`: all of one log, oldest first.
 */
export const planBundles = (
  manifests: readonly WithKeys[],
  livingApps: ReadonlySet<string>,
): Bundles => {
  const newest = manifests.at(-1);
  if (newest === undefined) return { kept: new Set(), lost: [] };
  const kept = new Set([newest.keys.content]);
  const has = new Set(newest.keys.files);
  const lost = new Set<string>();
  for (const { keys } of manifests.toReversed()) {
    for (const file of keys.files.filter(
      (name) => !has.has(name) && isOfLiving(name, livingApps),
    )) {
      lost.add(file);
      kept.add(keys.content);
    }
    for (const file of keys.files) has.add(file);
  }
  return { kept, lost: [...lost].toSorted() };
};

/** Whether a file is the key of an app that lives. */
export const isOfLiving = (file: string, livingApps: ReadonlySet<string>): boolean =>
  livingApps.has(/^keys\/(?:.*\/)?([A-Za-z0-9_-]+)\.key$/.exec(file)?.[1] ?? '');
