import { DEFAULT_SETTINGS, strategyOf, TAKES_EFFECT, waitsSecondsOf } from '@shiplog/domain';
import { positionBefore, type Position, type Settings } from '@shiplog/events';
import { followDeploy } from './follow-deploy.js';
import { LOOK_MS, urlOf, type Follower } from './follower.js';
import { explain, failure, type News } from './progress-event.js';
import { resizeRefusal, unsettled, wantedText } from './settled.js';

/**
 * Until the world is as the change at this position wants it. A change that makes a new generation is a
 * rollout, and ends as that does. Where a later change wants something else, the later one is followed.
 */
export async function* followSettling(
  follower: Follower,
  position: Position,
): AsyncGenerator<News, void, undefined> {
  const { world, feed, inbox, steps, appId, signal, now } = follower;
  await feed.reach(position);
  const generation = await generationAt(follower, position);
  if (generation !== undefined) return yield* followDeploy(follower, generation);
  if (await isWithoutEffect(follower, position)) return yield settled(follower);

  const deadlineMs = now() + patienceMs(follower);
  for (;;) {
    const missing = unsettled(world, appId);
    yield* steps.of(inbox.take());
    if (missing.length === 0) return yield settled(follower);
    const refusal = resizeRefusal(world, appId);
    if (refusal !== null) return yield failure(explain('not-resized', refusal, RESIZE_REMEDY));
    if (signal.aborted) return;
    if (now() > deadlineMs) {
      const summary = `not there yet after ${Math.round(patienceMs(follower) / 1000)} s: ${missing.join(', ')}`;
      const remedy = 'shiplog ps and shiplog logs show what the instances do';
      return yield failure(explain('not-settled', summary, remedy));
    }
    await inbox.next(LOOK_MS);
  }
}

/** The wish stands: it is tried again by itself, and a new container has the limits in any case. */
const RESIZE_REMEDY =
  'shiplog restart gives all instances their limits at once; shiplog limits shows them';

/** The generation that the commit at this position made; undefined when it made none. */
const generationAt = async (
  { log, appId }: Follower,
  position: Position,
): Promise<number | undefined> => {
  const [record] = await log.readAfter(positionBefore(position), 1);
  if (record?.position !== position) return undefined;
  for (const event of record.commit.events) {
    if (event.type !== 'ReleaseCreated' && event.type !== 'AppRestarted') continue;
    if (event.data.appId === appId) return event.data.generation;
  }
  return undefined;
};

/** Settings that only later deploys go by: whatever is on its way has nothing to do with them. */
const isWithoutEffect = async ({ log }: Follower, position: Position): Promise<boolean> => {
  const [record] = await log.readAfter(positionBefore(position), 1);
  return (
    record?.commit.events.every(
      (event) =>
        event.type === 'SettingsChanged' &&
        (Object.keys(event.data.changes) as (keyof Settings)[]).every(
          (field) => TAKES_EFFECT[field] === 'when-needed',
        ),
    ) === true
  );
};

/** As long as a rollout may take, its pauses included, and then the end of what is stopped. */
const patienceMs = ({ world, appId }: Follower): number => {
  const app = world.app(appId);
  const settings = app?.settings ?? DEFAULT_SETTINGS;
  const waitsSeconds = waitsSecondsOf(strategyOf(settings), app?.formation ?? {});
  const { rolloutTimeoutSeconds, drainSeconds, graceSeconds } = settings;
  return (rolloutTimeoutSeconds + waitsSeconds + drainSeconds + graceSeconds) * 1000;
};

const settled = (follower: Follower): News => {
  const app = follower.world.app(follower.appId);
  if (app === undefined) return { kind: 'done', text: 'the app is destroyed' };
  const url = app.stopped ? undefined : urlOf(follower);
  const text = `${app.name}: ${wantedText(app)}`;
  return url === undefined ? { kind: 'done', text } : { kind: 'done', text, url };
};
