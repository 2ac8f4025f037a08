import { BACKUP_AS_IT_IS, type ActiveApp, type World } from '@shiplog/domain';
import type { BackupHook } from '@shiplog/events';

/** What the log, folded so far, refers to outside itself. */
export interface Needed {
  readonly position: string;
  /** Digests of the archives that kept releases and the newest builds are made from. */
  readonly sources: readonly string[];
  /** Ids of the images of kept releases, with whether they can be built again. */
  readonly images: ReadonlyMap<string, { readonly ref: string; readonly hasSource: boolean }>;
  readonly appIds: ReadonlySet<string>;
  /** Volumes that were made, those that destroyed apps left behind with them. */
  readonly volumes: readonly NeededVolume[];
}

export interface NeededVolume {
  readonly appId: string;
  readonly appName: string;
  readonly volumeId: string;
  readonly name: string;
  readonly engineName: string;
  /** The engine had it when it was looked for last. */
  readonly isThere: boolean;
  /** Somebody said that its content is in no backup. */
  readonly isExcluded: boolean;
  /** What has to run before its content is taken. */
  readonly hook: BackupHook | null;
}

/** Taken in one turn: position and what is needed there belong together. */
export const neededBy = (world: World): Needed => {
  const apps = world.apps();
  const images = new Map<string, { ref: string; hasSource: boolean }>();
  for (const app of apps) {
    for (const { image, buildId } of releasesOf(world, app)) {
      const build = world.get('build', buildId ?? '').state;
      // One that was built again has another id than its release says.
      const today = build.status === 'succeeded' ? build.image : image;
      const hasSource = app.builds[buildId ?? '']?.source.kind === 'archive';
      images.set(today.id, { ref: today.ref, hasSource });
    }
  }
  const sources = apps.flatMap(({ builds }) =>
    Object.values(builds).flatMap(({ source }) => (source.kind === 'archive' ? source.digest : [])),
  );
  return {
    position: world.position,
    sources: [...new Set(sources)].toSorted(),
    images,
    appIds: new Set(apps.map(({ appId }) => appId)),
    volumes: volumesOf(world, apps),
  };
};

const volumesOf = (world: World, apps: readonly ActiveApp[]): NeededVolume[] => {
  const declared = apps.flatMap((app) =>
    Object.values(app.volumes).map(({ backup = BACKUP_AS_IT_IS, ...volume }) => ({
      ...{ ...volume, appName: app.name },
      ...{ isExcluded: backup.excluded, hook: backup.hook },
    })),
  );
  const kept = world.leftVolumes
    .all()
    .filter(({ isRemoved }) => !isRemoved)
    // Nobody is left to run anything in.
    .map(({ isExcluded = false, ...left }) => ({ ...left, isExcluded, hook: null }));
  return [...declared, ...kept].flatMap(({ appName, volumeId, name, incarnation, ...how }) => {
    const { state } = world.get('volume', volumeId);
    // Nothing is in one that was never made, or that is to be made anew.
    if (!('incarnation' in state) || state.incarnation < incarnation) return [];
    const { appId, engineName, status } = state;
    const { isExcluded, hook } = how;
    const isThere = status === 'created';
    return [{ appId, appName, volumeId, name, engineName, isThere, isExcluded, hook }];
  });
};

const releasesOf = (world: World, { appId, releases }: ActiveApp) => {
  const live = world.liveOf(appId)?.release;
  return live === undefined ? releases : [...releases, live];
};
