import { rolloutIdOf } from '@shiplog/domain';
import type { Position } from '@shiplog/events';
import { followBuild } from './follow-build.js';
import { followDeploy } from './follow-deploy.js';
import { followSettling } from './follow-settling.js';
import { openInbox } from './inbox.js';
import { explain, failure, type News, type ProgressEvent } from './progress-event.js';
import { Steps } from './steps.js';
import type { Follower, ProgressSources } from './follower.js';

/** What to follow: a build and the deploy that comes of it, a deploy, or any change by its position. */
export type ProgressTarget =
  { readonly build: string } | { readonly deploy: string } | { readonly settled: Position };

/**
 * Tells how a change comes about, from wherever it is by now, and ends with `done` or `failed`. It only
 * watches: ending it, or the death of this process, changes nothing.
 */
export async function* followProgress(
  sources: ProgressSources,
  appId: string,
  target: ProgressTarget,
  signal: AbortSignal,
): AsyncGenerator<ProgressEvent, void, undefined> {
  const now = sources.now ?? Date.now;
  const inbox = openInbox(sources.feed, signal);
  // Of the same moment as the inbox: what comes in from now on it has the names for.
  const steps = new Steps(sources.world, appId);
  try {
    await sources.feed.catchUp();
    const follower: Follower = { ...sources, now, appId, inbox, steps, signal };
    for await (const news of newsOf(follower, target)) {
      if (signal.aborted) return;
      yield { ...news, at: new Date(now()).toISOString() };
    }
  } finally {
    inbox.close();
  }
}

async function* newsOf(
  follower: Follower,
  target: ProgressTarget,
): AsyncGenerator<News, void, undefined> {
  if ('settled' in target) return yield* followSettling(follower, target.settled);
  if ('build' in target) return yield* followBuild(follower, target.build);
  const generation = generationOf(follower.appId, target.deploy);
  if (generation !== undefined) return yield* followDeploy(follower, generation);
  const text = `deploy ${target.deploy} is none of this app`;
  yield failure(explain('deploy-not-found', text, 'shiplog deploys list shows them'));
}

const generationOf = (appId: string, deployId: string): number | undefined => {
  const generation = Number(/-g([1-9]\d{0,9})$/.exec(deployId)?.[1]);
  return rolloutIdOf(appId, generation) === deployId ? generation : undefined;
};
