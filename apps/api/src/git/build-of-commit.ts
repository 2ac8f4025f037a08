import { createHash } from 'node:crypto';
import { rolloutIdOf, type BuildRequest, type World } from '@shiplog/domain';
import { streamName } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';

export interface BuildOfCommit {
  readonly buildId: string;
  /** It is under way already: the push watches it, and asks for nothing. */
  readonly isRunning: boolean;
}

/**
 * The build of a commit has an id that follows from app and commit, so that pushing the same commit again,
 * after a lost connection or from another machine, finds the build that runs. One that is over is not
 * touched: a new attempt gets the next number.
 */
export const buildOfCommit = async (
  { world, log }: { readonly world: World; readonly log: EventLog },
  appId: string,
  commit: string,
): Promise<BuildOfCommit> => {
  const hash = createHash('sha256').update(`${appId}\n${commit}`).digest('hex').slice(0, 10);
  const prefix = `bld_${commit.slice(0, 12)}_${hash}_`;
  const known = world.buildRequests
    .of(appId)
    .filter(({ buildId }) => buildId.startsWith(prefix))
    .at(-1);
  if (known !== undefined && !isOver(world, known)) {
    return { buildId: known.buildId, isRunning: true };
  }
  let attempt = known === undefined ? 1 : Number(known.buildId.slice(prefix.length)) + 1;
  // The world forgets old builds; the log does not, and a build id is used once.
  while ((await log.read(streamName('build', `${prefix}${attempt}`))).length > 0) attempt += 1;
  return { buildId: `${prefix}${attempt}`, isRunning: false };
};

/** The build and what came of it have ended: well, badly, or by being superseded. */
export const isOver = (world: World, request: BuildRequest): boolean => {
  const { appId, buildId, release, position } = request;
  const app = world.app(appId);
  if (app === undefined || app.builds[buildId]?.cancelRequested !== false) return true;
  const build = world.get('build', buildId).state.status;
  if (build === 'failed' || build === 'cancelled') return true;
  if (build !== 'succeeded') return false;
  if (release === null) return position < world.buildRequests.releasedUpTo(appId);
  const rollout = world.get('rollout', rolloutIdOf(appId, release.generation)).state.status;
  if (rollout === 'none') return release.generation < app.generation;
  return rollout !== 'running';
};
