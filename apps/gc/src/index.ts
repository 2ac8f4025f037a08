import { connectEngine } from '@shiplog/engine';
import { startReconcileLoop } from '@shiplog/reconcile';
import { describeError, type StartProcess } from '@shiplog/runtime';
import { Collector } from './garbage/collector.js';
import { DockerGarbageEngine } from './garbage/docker-garbage-engine.js';
import { serveRpc } from './garbage/serve-rpc.js';

/** Nothing waits for garbage to go. */
const ROUND_MS = 60_000;
/** Removals of one round; the rest goes with the next ones, so that the engine can do other work. */
const ITEMS_PER_ROUND = 50;

/** Removes what the log says nobody needs any more, from the engine of this machine. */
export const startGc: StartProcess = (context) => {
  const { config, logger } = context;
  const engine = new DockerGarbageEngine(connectEngine({ host: config.engine }), config.platform);
  const collector = new Collector({ context, engine });
  const loop = startReconcileLoop({
    name: 'garbage',
    resyncMs: ROUND_MS,
    round: async (signal) => {
      const removed = await collector.collect(ITEMS_PER_ROUND, signal);
      if (removed.length > 0) logger.info({ count: removed.length }, 'garbage-collected');
      return undefined;
    },
    onError: (error) => logger.warn({ error: describeError(error) }, 'garbage-round-failed'),
  });
  const endRpc = serveRpc(context, collector);
  return Promise.resolve({
    stop: async () => {
      endRpc();
      await loop.stop();
    },
  });
};
