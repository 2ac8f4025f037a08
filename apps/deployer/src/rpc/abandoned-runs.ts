import type Docker from 'dockerode';
import { LABEL, ownedBy } from '@shiplog/engine';

interface Runs {
  readonly docker: Docker;
  readonly platform: string;
  /** By container name: a session of ours is joined with it. */
  readonly isWatched: (name: string) => boolean;
  readonly isDestroyed: (appId: string) => boolean;
}

/** A daemon that hangs is not waited for longer. */
const LIST_MS_MAX = 60_000;

/** A command whose watcher left gets this long to end. */
export const ABANDONED_GRACE_SECONDS = 10;

/**
 * Ends one-off commands that nobody waits for: their watcher left while the engine did not answer, or
 * the process that joined the two was killed. Detached ones go on for as long as their app is there.
 */
export const endAbandonedRuns = async (runs: Runs): Promise<void> => {
  const { docker, platform, isWatched, isDestroyed } = runs;
  const filters = ownedBy(platform, `${LABEL.kind}=run`);
  const found = await docker.listContainers({
    filters,
    abortSignal: AbortSignal.timeout(LIST_MS_MAX),
  });
  const unwanted = found.filter(({ Names: [name = ''], Labels }) => {
    const isWanted = LABEL.detached in Labels || isWatched(name.replace('/', ''));
    return !isWanted || isDestroyed(Labels[LABEL.app] ?? '');
  });
  await Promise.all(
    unwanted.map(({ Id }) => docker.getContainer(Id).stop({ t: ABANDONED_GRACE_SECONDS })),
  );
};
