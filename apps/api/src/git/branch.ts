import { GitError } from './git-command.js';
import { DEPLOYED_BRANCHES } from './decide-push.js';
import type { HookAnswer, HookQuestion } from './hook-server.js';
import type { Push, PushDependencies } from './push.js';

const ATTEMPTS_MAX = 5;

/**
 * Moves `main` or `master` after a deploy. Git itself would compare the branch with what it was when the
 * push began, and refuse a second push that went live after the first one: the branch would then name
 * what no longer runs. Here the branch names the newest push that went live, whoever finishes when.
 */
export const procReceive = async (
  deps: PushDependencies,
  push: Push,
  asked: HookQuestion,
): Promise<HookAnswer> => {
  const refused: Record<string, string> = {};
  for (const { ref, after } of asked.updates) {
    const why = await move(deps, push, ref, after);
    if (why !== undefined) refused[ref] = why;
  }
  return { accepted: Object.keys(refused).length === 0, refused };
};

const move = async (
  deps: PushDependencies,
  push: Push,
  ref: string,
  after: string,
): Promise<string | undefined> => {
  const { repositories, feed } = deps;
  const { appId } = push.app;
  // Only these are ours to move, whatever asks: `ref` becomes an argument below.
  const known = DEPLOYED_BRANCHES.map((branch) => `refs/heads/${branch}`).find((r) => r === ref);
  if (known === undefined || push.deployedBuildId === undefined) return 'not deployed';
  await feed.catchUp();
  if (isOvertaken(deps, appId, push.deployedBuildId)) return 'superseded by a newer push';
  for (let attempt = 1; ; attempt += 1) {
    const current = await repositories.resolve(appId, known);
    if (current === after) return undefined;
    try {
      await repositories.update(appId, known, after, current);
      return undefined;
    } catch (error) {
      // Another push moved it in between: look again.
      if (!(error instanceof GitError) || attempt === ATTEMPTS_MAX) throw error;
    }
  }
};

/** A build that was requested later is live already, and its push moved the branch or is about to. */
const isOvertaken = ({ world }: PushDependencies, appId: string, buildId: string): boolean => {
  const requests = world.buildRequests.of(appId);
  const positionOf = (id: string | null | undefined): string | undefined =>
    requests.find((request) => request.buildId === id)?.position;
  const own = positionOf(buildId);
  const live = positionOf(world.liveOf(appId)?.release.buildId);
  const isGitBuild = world.app(appId)?.builds[world.liveOf(appId)?.release.buildId ?? '']?.source;
  const isPushed = isGitBuild?.kind === 'archive' && isGitBuild.via === 'git';
  return isPushed && own !== undefined && live !== undefined && live > own;
};
