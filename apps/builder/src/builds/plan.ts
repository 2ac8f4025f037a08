import type { DesiredBuild } from './desired-builds.js';

/** What this process is doing about builds now. */
export interface RunningBuilds {
  readonly running: ReadonlySet<string>;
  /** Builds that the world got in the way of, and when (milliseconds) they may be tried again. */
  readonly notBefore: ReadonlyMap<string, number>;
}

export type BuildAction =
  /** Ends a build that runs here. */
  | { readonly type: 'interrupt'; readonly build: DesiredBuild }
  /** Records the end of a build that does not run here (any more). */
  | { readonly type: 'record-cancelled'; readonly build: DesiredBuild }
  | { readonly type: 'start'; readonly build: DesiredBuild };

interface BuildPlan {
  readonly actions: readonly BuildAction[];
  /** Milliseconds until time alone makes a difference. */
  readonly nextInMs: number | undefined;
}

/** Each build that was asked for is started once there is room, oldest first; cancelled ones are ended. */
export const planBuilds = (
  desired: readonly DesiredBuild[],
  actual: RunningBuilds,
  limits: { readonly parallel: number },
  now: number,
): BuildPlan => {
  const actions: BuildAction[] = [];
  let free = limits.parallel - actual.running.size;
  let nextInMs: number | undefined;
  for (const build of desired) {
    const isRunning = actual.running.has(build.job.buildId);
    if (build.isCancelled) {
      actions.push({ type: isRunning ? 'interrupt' : 'record-cancelled', build });
      continue;
    }
    if (isRunning) continue;
    const waitMs = (actual.notBefore.get(build.job.buildId) ?? 0) - now;
    if (waitMs > 0) nextInMs = Math.min(nextInMs ?? waitMs, waitMs);
    else if (free > 0) {
      free -= 1;
      actions.push({ type: 'start', build });
    }
  }
  return { actions, nextInMs };
};
