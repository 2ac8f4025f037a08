import type { BuildRequest, World } from '@shiplog/domain';
import type { BuildJob } from './build-job.js';

/** A build that was asked for and has not ended, oldest first. */
export interface DesiredBuild {
  readonly job: BuildJob;
  /** It must not go on: its end was asked for, or its app is gone. */
  readonly isCancelled: boolean;
  /** What its facts are recorded with: the request's own thread through the log. */
  readonly cause: { readonly correlation?: string; readonly causation?: string };
}

export const desiredBuilds = (world: World): readonly DesiredBuild[] => {
  const wanted = world.apps().flatMap(({ appId, builds }) => {
    const requests = new Map(world.buildRequests.of(appId).map((r) => [r.buildId, r]));
    return Object.entries(builds).flatMap(([buildId, { source, cancelRequested }]) => {
      const { status } = world.get('build', buildId).state;
      if (status !== 'none' && status !== 'running') return [];
      const request = requests.get(buildId);
      const job = { buildId, appId, source };
      return [
        {
          position: request?.position ?? '',
          build: { job, isCancelled: cancelRequested, cause: causeOf(request) },
        },
      ];
    });
  });
  const oldestFirst = wanted.toSorted((a, b) => (a.position < b.position ? -1 : 1));
  return [...oldestFirst.map(({ build }) => build), ...abandonedBuilds(world)];
};

const causeOf = (request: BuildRequest | undefined): DesiredBuild['cause'] =>
  request === undefined ? {} : { correlation: request.correlation, causation: request.askedBy };

/** Builds of apps that were destroyed while they ran. */
const abandonedBuilds = (world: World): readonly DesiredBuild[] =>
  [...world.all('build')].flatMap((state) => {
    if (state.status !== 'running' || world.app(state.appId) !== undefined) return [];
    const source = { kind: 'image', ref: 'unknown' } as const;
    const job = { buildId: state.buildId, appId: state.appId, source };
    return [{ job, isCancelled: true, cause: {} }];
  });
