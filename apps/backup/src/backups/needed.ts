import type { ActiveApp, World } from '@shiplog/domain';

/** What the log, folded so far, refers to outside itself. */
export interface Needed {
  readonly position: string;
  /** Digests of the archives that kept releases and the newest builds are made from. */
  readonly sources: readonly string[];
  /** Ids of the images of kept releases, with whether they can be built again. */
  readonly images: ReadonlyMap<string, { readonly ref: string; readonly hasSource: boolean }>;
  readonly appIds: ReadonlySet<string>;
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
  };
};

const releasesOf = (world: World, { appId, releases }: ActiveApp) => {
  const live = world.liveOf(appId)?.release;
  return live === undefined ? releases : [...releases, live];
};
