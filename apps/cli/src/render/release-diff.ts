import type { Release } from '@shiplog/api-client';

/** What is another in one release than in an earlier one. Config is told by its keys only. */
export interface ReleaseDiff {
  readonly from: number;
  readonly to: number;
  /** Null where it is the same image. */
  readonly image: { readonly from: ImageOf; readonly to: ImageOf } | null;
  /** Keys that were set, to whatever value, and keys that were taken away. */
  readonly config: { readonly set: readonly string[]; readonly unset: readonly string[] };
  readonly processes: { readonly added: readonly string[]; readonly removed: readonly string[] };
}

interface ImageOf {
  readonly image: string;
  readonly imageId: string;
  readonly imageBytes: number;
  readonly commit: string | null;
}

/** `releases`: all of them from one to the other, in any order. */
export const diffOf = (releases: readonly Release[], from: Release, to: Release): ReleaseDiff => {
  const between = releases
    .filter(({ version }) => version > from.version && version <= to.version)
    .toSorted((a, b) => a.version - b.version);
  const keys = new Map<string, boolean>();
  for (const { configChanges } of between) {
    for (const key of configChanges.set) keys.set(key, true);
    for (const key of configChanges.unset) keys.set(key, false);
  }
  const keysThat = (isSet: boolean): string[] =>
    [...keys].flatMap(([key, value]) => (value === isSet ? key : [])).toSorted();
  const only = (these: Release, those: Release): string[] =>
    these.processes.filter((process) => !those.processes.includes(process));
  return {
    from: from.version,
    to: to.version,
    image: from.imageId === to.imageId ? null : { from: imageOf(from), to: imageOf(to) },
    config: { set: keysThat(true), unset: keysThat(false) },
    processes: { added: only(to, from), removed: only(from, to) },
  };
};

const imageOf = ({ image, imageId, imageBytes, commit }: Release): ImageOf => ({
  image,
  imageId,
  imageBytes,
  commit,
});
