import type { GarbageItem, GarbageState } from '@shiplog/domain';
import type { BuiltImage, StillContainer } from './garbage-engine.port.js';

/** Asked for one at a time: of apps that are gone there may be many. */
export interface Ids {
  has(id: string): boolean;
}

/** What the log says about what the engine has. What it does not mention is not ours to remove. */
export interface Known {
  /** Instances whose life is over: the log says `InstanceStopped`, the last fact there is of one. */
  readonly stoppedInstances: ReadonlySet<string>;
  readonly builds: ReadonlySet<string>;
  /** That there are, or ever were. */
  readonly apps: Ids;
  readonly destroyedApps: Ids;
  /** Of releases that are kept, and of builds that may become one. */
  readonly neededBuilds: ReadonlySet<string>;
  readonly neededImages: ReadonlySet<string>;
  /** Apps with a deploy or a build under way: their images are left alone. */
  readonly busyApps: ReadonlySet<string>;
  /** A build anywhere uses layers that look unused. */
  readonly isBuilding: boolean;
}

export interface Actual {
  readonly containers: readonly StillContainer[];
  readonly images: readonly BuiltImage[];
}

/** An image is young for so long after it was made: its release may not be in the log yet. */
const IMAGE_AGE_MS_MIN = 3_600_000;

/** Whatever the policy says: between its creation and its start a one-off command looks like one that ended. */
const RUN_AGE_MS_MIN = 60_000;

/**
 * What can go, containers before images, because an image that a container was made from cannot go
 * before it. Oldest first, so that a pass that is cut short has removed what matters least.
 */
export const plan = (
  known: Known,
  actual: Actual,
  policy: GarbageState,
  nowMs: number,
): readonly GarbageItem[] => [
  ...planInstances(known, actual.containers, policy, nowMs),
  ...planRuns(known, actual.containers, policy, nowMs),
  ...planImages(known, actual.images, nowMs),
];

/** Of each process the newest ones are kept, for a look at what was; of destroyed apps none. */
const planInstances = (
  known: Known,
  containers: readonly StillContainer[],
  policy: GarbageState,
  nowMs: number,
): readonly GarbageItem[] => {
  const groups = new Map<string, StillContainer[]>();
  for (const container of containers) {
    if (container.instanceId === null || !known.stoppedInstances.has(container.instanceId))
      continue;
    const key = `${container.appId} ${container.process}`;
    groups.set(key, [...(groups.get(key) ?? []), container]);
  }
  return [...groups.values()]
    .flatMap((group) => {
      const isDestroyed = known.destroyedApps.has(group[0]?.appId ?? '');
      const kept = isDestroyed ? 0 : policy.exitedKept;
      const reason = isDestroyed
        ? 'its app was destroyed'
        : `instance stopped, ${kept} newer ones of its process kept`;
      const surplus = group.toSorted(newestFirst).slice(kept);
      return surplus.map((container) => ({ container, reason }));
    })
    .filter(({ container }) => isOld(container, policy, nowMs))
    .toSorted((a, b) => oldestFirst(a.container, b.container))
    .map(({ container, reason }) => itemOf(container, reason));
};

const planRuns = (
  known: Known,
  containers: readonly StillContainer[],
  policy: GarbageState,
  nowMs: number,
): readonly GarbageItem[] =>
  containers
    .filter(({ kind, instanceId }) => kind === 'run' && instanceId === null)
    .filter(({ appId }) => appId !== null && known.apps.has(appId))
    .filter(({ stillSinceMs }) => nowMs - stillSinceMs >= RUN_AGE_MS_MIN)
    .filter((container) => isOld(container, policy, nowMs))
    .toSorted(oldestFirst)
    .map((container) => itemOf(container, 'one-off command that ended'));

const planImages = (
  known: Known,
  images: readonly BuiltImage[],
  nowMs: number,
): readonly GarbageItem[] => {
  if (known.isBuilding) return [];
  return (
    images
      .filter((image) => known.builds.has(image.buildId) && !isNeeded(known, image))
      // A second name was given by somebody who wants it.
      .filter(({ tags }) => tags.length <= 1)
      .filter(({ createdAtMs }) => nowMs - createdAtMs >= IMAGE_AGE_MS_MIN)
      .toSorted((a, b) => a.createdAtMs - b.createdAtMs || compare(a.id, b.id))
      .map(({ id, appId, bytes, kind }) => ({
        kind: 'image',
        id,
        appId,
        bytes,
        reason: kind === null ? 'no kept release runs it' : 'its app builds no more',
      }))
  );
};

const isNeeded = (known: Known, { id, appId, buildId, kind }: BuiltImage): boolean => {
  if (appId !== null && known.busyApps.has(appId)) return true;
  // The builder replaces its caches itself; what is left of a destroyed app nobody replaces.
  if (kind !== null) return appId === null || !known.destroyedApps.has(appId);
  return known.neededImages.has(id) || known.neededBuilds.has(buildId);
};

/** A clock that was put back makes containers of the future: they count as young. */
const isOld = ({ stillSinceMs }: StillContainer, policy: GarbageState, nowMs: number): boolean =>
  nowMs - stillSinceMs >= policy.minimumAgeSeconds * 1000;

const itemOf = ({ id, appId }: StillContainer, reason: string): GarbageItem => ({
  kind: 'container',
  id,
  appId,
  reason,
  bytes: null,
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const oldestFirst = (a: StillContainer, b: StillContainer): number =>
  a.stillSinceMs - b.stillSinceMs || compare(a.id, b.id);
const newestFirst = (a: StillContainer, b: StillContainer): number => oldestFirst(b, a);
