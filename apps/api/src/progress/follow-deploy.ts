import {
  deciders,
  foldEvents,
  releaseRunIdOf,
  rolloutIdOf,
  type RolloutState,
} from '@shiplog/domain';
import { streamName, type RecordedCommit } from '@shiplog/events';
import { LOOK_MS, urlOf, waitingNotice, type Follower } from './follower.js';
import { ReleaseOutput } from './release-output.js';
import { explain, failure, type News } from './progress-event.js';

/** Steps of instances are told from their beginning up to this many; then only from now on. */
const CAUGHT_UP_INSTANCES_MAX = 40;

type Known = Exclude<RolloutState, { status: 'none' }>;

/** From wherever a rollout is to its end. */
export async function* followDeploy(
  follower: Follower,
  generation: number,
): AsyncGenerator<News, void, undefined> {
  const output = new ReleaseOutput(follower, rolloutIdOf(follower.appId, generation));
  try {
    yield* followRollout(follower, generation, output);
  } finally {
    output.close();
  }
}

async function* followRollout(
  follower: Follower,
  generation: number,
  output: ReleaseOutput,
): AsyncGenerator<News, void, undefined> {
  const { world, appId, inbox, steps, signal } = follower;
  const deployId = rolloutIdOf(appId, generation);
  const notice = waitingNotice(follower, 'waiting for the deployer');

  if (world.get('rollout', deployId).state.status === 'running') {
    yield* steps.of(await pastOf(follower, deployId));
  }
  for (;;) {
    const { state } = world.get('rollout', deployId);
    yield* await output.look();
    // After the look at the state: nothing that led to an end is told after it, or not at all.
    yield* steps.of(inbox.take());
    if (state.status !== 'none' && state.status !== 'running') return yield endOf(follower, state);
    if (state.status === 'running' && hasSwitched(follower, state)) {
      return yield switched(follower, state);
    }
    const end =
      state.status === 'none' ? await endWithoutBeginning(follower, generation) : undefined;
    if (end !== undefined) return yield end;
    if (signal.aborted) return;
    if (state.status === 'none') yield* notice();
    await inbox.next(LOOK_MS);
  }
}

type Running = Extract<Known, { status: 'running' }>;

/**
 * Blue-green: everybody is served by the new release, as every router confirmed; what follows only keeps the
 * way back open.
 */
const hasSwitched = (
  { world, appId }: Follower,
  { strategy, step, generation }: Running,
): boolean => {
  if (strategy.kind !== 'blue-green' || step === 0 || strategy.retainSeconds === 0) return false;
  const old = world
    .instancesOf(appId)
    .filter((one) => one.process === 'web' && one.status === 'ready')
    .filter((one) => one.generation !== generation);
  return world
    .routers()
    .every(({ weights }) => old.every(({ instanceId }) => weights.get(instanceId) === 0));
};

const switched = (follower: Follower, { version, rolloutId, ...rollout }: Running): News => {
  const { text, ...done } = live(follower, version);
  const { strategy, fromVersion } = rollout;
  const seconds = strategy.kind === 'blue-green' ? strategy.retainSeconds : 0;
  const kept =
    fromVersion === null
      ? ''
      : `; what served before is kept for ${seconds} s: shiplog deploys abort goes back at once`;
  return { ...done, text: `${text}${kept}`, version, deployId: rolloutId };
};

const endOf = (follower: Follower, state: Exclude<Known, { status: 'running' }>): News => {
  const { version, rolloutId: deployId } = state;
  const more = { version, deployId };
  switch (state.status) {
    case 'completed':
      return { ...live(follower, version), ...more };
    case 'failed':
      return failure(state.explanation, more);
    case 'cancelled':
      switch (state.cause) {
        case 'superseded':
          return failure(superseded(follower, version), more);
        case 'app-stopped':
          return failure(explain('app-stopped', `v${version}: the app was stopped`), more);
        case 'app-destroyed':
          return failure(explain('app-destroyed', `v${version}: the app was destroyed`), more);
        case 'asked':
          return failure(
            explain('deploy-cancelled', `the deploy of v${version} was cancelled`),
            more,
          );
      }
  }
};

const live = (follower: Follower, version: number): News => {
  const name = follower.world.app(follower.appId)?.name ?? follower.appId;
  const url = urlOf(follower);
  return url === undefined
    ? { kind: 'done', text: `${name} v${version} is live` }
    : { kind: 'done', text: `${name} v${version} is live at ${url}`, url };
};

const superseded = ({ world, appId }: Follower, version: number) => {
  const newest = world.app(appId)?.generationVersion;
  const by = newest === undefined || newest === version ? 'a newer deploy' : `v${newest}`;
  return explain('superseded', `v${version} was superseded by ${by}`);
};

/** A rollout that never began and never will, or one that the world forgot. */
const endWithoutBeginning = async (
  follower: Follower,
  generation: number,
): Promise<News | undefined> => {
  const { world, appId, log } = follower;
  const deployId = rolloutIdOf(appId, generation);
  const app = world.app(appId);
  if (app === undefined) {
    return failure(explain('app-destroyed', 'the app was destroyed'), { deployId });
  }
  if (generation > app.generation) {
    const text = `deploy ${deployId} is none of this app`;
    return failure(explain('deploy-not-found', text, 'shiplog deploys list shows them'));
  }
  if (app.rolloutCancels.includes(deployId)) {
    return failure(explain('deploy-cancelled', 'the deploy was cancelled'), { deployId });
  }
  if (generation === app.generation) {
    if (!app.stopped) return undefined;
    const version = app.generationVersion;
    const text = `v${version} is ready; ${app.name} is stopped: start it with shiplog start`;
    return { kind: 'done', text, version, deployId };
  }
  const records = await log.read(streamName('rollout', deployId));
  const events = records.flatMap(({ commit }) => commit.events);
  const state = foldEvents('rollout', deciders.rollout.initialState, events);
  if (state.status === 'running') return undefined;
  if (state.status !== 'none') return endOf(follower, state);
  const text = `superseded by v${app.generationVersion} before it was rolled out`;
  return failure(explain('superseded', text), { deployId });
};

/** What happened in a rollout before anybody followed it, in log order. */
const pastOf = async (
  { world, appId, log }: Follower,
  deployId: string,
): Promise<readonly RecordedCommit[]> => {
  const rollout = await log.read(streamName('rollout', deployId));
  const since = rollout[0]?.position;
  const instances = world.instancesOf(appId);
  if (since === undefined || instances.length > CAUGHT_UP_INSTANCES_MAX) return rollout;
  const streams = await Promise.all(
    [
      streamName('run', releaseRunIdOf(deployId)),
      ...instances.map(({ instanceId }) => streamName('instance', instanceId)),
    ].map((stream) => log.read(stream)),
  );
  return [...rollout, ...streams.flat()]
    .filter(({ position }) => position >= since)
    .toSorted((a, b) => (a.position < b.position ? -1 : 1));
};
