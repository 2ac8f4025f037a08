import { TRAFFIC_TOPIC, type TrafficReport, type World } from '@shiplog/domain';
import { aggregateOf } from '@shiplog/events';
import { describeError, type ProcessContext } from '@shiplog/runtime';
import type { Router } from './routes/router.port.js';

const EVERY_MS = 1000;

/** Tells once a second what the proxy counted, for apps whose requests are divided by a canary. */
export const reportTraffic = (
  context: Pick<ProcessContext, 'world' | 'feed' | 'bus' | 'logger'>,
  router: Router,
  routerId: string,
): (() => void) => {
  const { world, feed, bus, logger } = context;
  let apps = appsWithCanary(world);
  const stopListening = feed.onBatch((batch) => {
    const isTouched = batch.some(({ commit }) => aggregateOf(commit.stream) === 'rollout');
    if (isTouched) apps = appsWithCanary(world);
  });
  const report = async (appId: string): Promise<void> => {
    const instances = Object.fromEntries(await router.traffic(appId));
    const data: TrafficReport = { routerId, appId, instances };
    bus.publish(TRAFFIC_TOPIC, data);
  };
  const timer = setInterval(() => {
    for (const appId of apps) {
      report(appId).catch((error: unknown) =>
        logger.debug({ appId, error: describeError(error) }, 'traffic-not-read'),
      );
    }
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    stopListening();
  };
};

const appsWithCanary = (world: World): ReadonlySet<string> =>
  new Set(
    [...world.all('rollout')].flatMap((state) =>
      state.status === 'running' && state.strategy.kind === 'canary' ? state.appId : [],
    ),
  );
