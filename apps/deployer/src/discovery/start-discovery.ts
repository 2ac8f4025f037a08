import { startReconcileLoop } from '@shiplog/reconcile';
import { describeError, type ProcessContext, type RunningProcess } from '@shiplog/runtime';
import { Discovery } from './discovery.js';
import type { Resolvers } from './resolvers.port.js';

/** Keeps the names of instances up to date, beside the rounds that keep the instances themselves. */
export const startDiscovery = (
  { world, feed, logger }: ProcessContext,
  resolvers: Resolvers,
): RunningProcess => {
  const discovery = new Discovery(world, resolvers);
  let failing = '';
  const loop = startReconcileLoop({
    name: 'discovery',
    round: async () => {
      await feed.catchUp();
      const result = await discovery.round();
      failing = '';
      return result;
    },
    onError: (error) => {
      // Said once: the engine's absence is the deployer's to report.
      const said = describeError(error);
      if (said !== failing) logger.warn({ error: said }, 'names-not-published');
      failing = said;
    },
  });
  const unfollow = feed.onBatch((batch) => {
    discovery.take(batch);
    if (discovery.isDirty) loop.nudge();
  });
  return {
    stop: async () => {
      unfollow();
      await loop.stop();
    },
  };
};
