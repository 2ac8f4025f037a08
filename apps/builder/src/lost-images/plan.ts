import type { World } from '@shiplog/domain';
import type { Explanation, Image } from '@shiplog/events';
import type { BuildJob } from '../builds/build-job.js';

/** An image that has to be there because a release serves with it, or is about to. */
export interface NeededImage {
  readonly job: BuildJob;
  readonly image: Image;
  readonly lost: Explanation | null;
}

/**
 * Images of the releases that serve or are being rolled out. Those that are only kept for a rollback
 * are made again when the rollback comes: it makes them needed.
 */
export const neededImages = (world: World): readonly NeededImage[] => {
  const needed = new Map<string, NeededImage>();
  for (const { appId, builds } of world.apps()) {
    const deployment = world.deployment(appId);
    for (const release of [deployment?.target?.release, deployment?.live?.release]) {
      const buildId = release?.buildId;
      if (buildId == null) continue;
      const { state } = world.get('build', buildId);
      const source = builds[buildId]?.source;
      if (state.status !== 'succeeded' || source === undefined) continue;
      const { image, lost } = state;
      needed.set(buildId, { job: { buildId, appId, source }, image, lost });
    }
  }
  return [...needed.values()];
};

interface Attempts {
  /** Images that are being made again now. */
  readonly running: ReadonlySet<string>;
  /** When (milliseconds) an image that could not be made again may be tried once more. */
  readonly notBefore: ReadonlyMap<string, number>;
}

/** Recorded as lost, but there: somebody loaded them into the engine, as they were told to. */
export const planFound = (
  needed: readonly NeededImage[],
  present: ReadonlySet<string>,
): readonly NeededImage[] =>
  needed.filter(({ image, lost }) => lost !== null && present.has(image.id));

/** Which images to make again, of those that the engine surely lacks. */
export const planRebuilds = (
  needed: readonly NeededImage[],
  present: ReadonlySet<string>,
  attempts: Attempts,
  limits: { readonly parallel: number },
  now: number,
): readonly NeededImage[] => {
  const missing = needed.filter(
    ({ job, image }) =>
      !present.has(image.id) &&
      !attempts.running.has(job.buildId) &&
      (attempts.notBefore.get(job.buildId) ?? 0) <= now,
  );
  return missing.slice(0, Math.max(0, limits.parallel - attempts.running.size));
};
