import { deciders, foldEvents, type BuildState } from '@shiplog/domain';
import type { Source } from '@shiplog/events';
import { BuildOutput } from './build-output.js';
import { followDeploy } from './follow-deploy.js';
import { LOOK_MS, waitingNotice, type Follower } from './follower.js';
import { explain, failure, type News } from './progress-event.js';

/** From a requested build to the end of its deploy. */
export async function* followBuild(
  follower: Follower,
  buildId: string,
): AsyncGenerator<News, void, undefined> {
  const { world, appId } = follower;
  const source = world.app(appId)?.builds[buildId]?.source;
  const request = world.buildRequests.of(appId).find((one) => one.buildId === buildId);
  if (source === undefined || request === undefined) return yield await endOf(follower, buildId);
  yield { kind: 'step', text: sourceText(source), buildId };

  const failed = yield* followOutput(follower, buildId);
  if (failed !== undefined) return yield failed;

  const released = yield* followRelease(follower, buildId);
  if (typeof released !== 'number') return yield released;
  yield* followDeploy(follower, released);
}

/** What it prints, until it is over. Returns the last news when it did not succeed. */
async function* followOutput(
  follower: Follower,
  buildId: string,
): AsyncGenerator<News, News | undefined, undefined> {
  const { inbox, signal, bus, now } = follower;
  const output = new BuildOutput(bus, buildId, () => inbox.wake());
  const notice = waitingNotice(follower, 'waiting for the builder');
  const toldBy = (): News[] => output.take().map((text) => ({ kind: 'output', text, buildId }));
  let catchUpAtMs = 0;
  try {
    while (!signal.aborted) {
      // Looked at before the output: lines that were printed before the end come before its news.
      const outcome = outcomeOf(follower, buildId);
      const isStarted = outcome.status !== 'none';
      // Also now and then without a hole: a last line that got lost leaves none.
      if (outcome.isOver || output.hasHole || (isStarted && now() >= catchUpAtMs)) {
        await output.catchUp();
        catchUpAtMs = now() + LOOK_MS;
      }
      if (outcome.isOver) output.flush();
      yield* toldBy();
      if (outcome.status === 'succeeded') yield succeededText(follower, buildId);
      if (outcome.isOver) return outcome.failed;
      if (!isStarted) yield* notice();
      await inbox.next(LOOK_MS);
    }
    return undefined;
  } finally {
    output.close();
  }
}

interface Outcome {
  readonly status: BuildState['status'];
  readonly isOver: boolean;
  readonly failed?: News;
}

const outcomeOf = ({ world, appId }: Follower, buildId: string): Outcome => {
  const { state } = world.get('build', buildId);
  const { status } = state;
  if (status === 'succeeded') return { status, isOver: true };
  const failed = failureOf(state, buildId);
  if (failed !== undefined) return { status, isOver: true, failed };
  const app = world.app(appId);
  if (app === undefined) return { status, isOver: true, failed: destroyed(buildId) };
  // Cancelled before the builder took it up: it never will.
  const isDropped = status === 'none' && app.builds[buildId]?.cancelRequested === true;
  return isDropped
    ? { status, isOver: true, failed: cancelled(buildId) }
    : { status, isOver: false };
};

/** Waits for the release of a build that succeeded: its generation, or why there is none. */
async function* followRelease(
  follower: Follower,
  buildId: string,
): AsyncGenerator<News, number | News, undefined> {
  const { world, appId, inbox, signal } = follower;
  for (;;) {
    const app = world.app(appId);
    const request = world.buildRequests.of(appId).find((one) => one.buildId === buildId);
    if (app === undefined || request === undefined) return destroyed(buildId);
    if (request.release !== null) {
      const { version, generation } = request.release;
      yield { kind: 'step', text: `release v${version} created`, version, buildId };
      return generation;
    }
    if (request.position < world.buildRequests.releasedUpTo(appId)) {
      return failure(
        explain('superseded', 'superseded: a build that was requested later is released already'),
        { buildId },
      );
    }
    if (app.builds[buildId]?.cancelRequested === true) return cancelled(buildId);
    if (signal.aborted) return cancelled(buildId);
    await inbox.next(LOOK_MS);
  }
}

/** A build that this app's memory does not hold: unknown, or long over. */
const endOf = async ({ log, appId }: Follower, buildId: string): Promise<News> => {
  const records = await log.read(`build.${buildId}`);
  const events = records.flatMap(({ commit }) => commit.events);
  const state = foldEvents('build', deciders.build.initialState, events);
  if (state.status === 'none' || state.appId !== appId) {
    const text = `build ${buildId} is none of this app`;
    return failure(explain('build-not-found', text, 'shiplog builds list shows them'));
  }
  const failed = failureOf(state, buildId);
  if (failed !== undefined) return failed;
  return { kind: 'done', text: `build ${buildId} is long over`, buildId };
};

const failureOf = (state: BuildState, buildId: string): News | undefined => {
  if (state.status === 'failed') return failure(state.explanation, { buildId });
  return state.status === 'cancelled' ? cancelled(buildId) : undefined;
};

const cancelled = (buildId: string): News =>
  failure(explain('build-cancelled', 'the build was cancelled'), { buildId });

const destroyed = (buildId: string): News =>
  failure(explain('app-destroyed', 'the app was destroyed'), { buildId });

const sourceText = (source: Source): string => {
  if (source.kind === 'image') return `getting image ${source.ref}`;
  if (source.commit === null) return 'building the uploaded source';
  const branch = source.branch === null ? '' : ` of ${source.branch}`;
  return `building commit ${source.commit.slice(0, 12)}${branch}`;
};

const succeededText = ({ world }: Follower, buildId: string): News => {
  const { state } = world.get('build', buildId);
  const megabytes = state.status === 'succeeded' ? state.image.sizeBytes / 1e6 : 0;
  return { kind: 'step', text: `build succeeded: ${megabytes.toFixed(1)} MB`, buildId };
};
