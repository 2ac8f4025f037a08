import { connectEngine } from '@shiplog/engine';
import { startReconcileLoop } from '@shiplog/reconcile';
import { describeError, type StartProcess } from '@shiplog/runtime';
import { Backups } from './backups/backups.js';
import { serveRpc } from './backups/serve-rpc.js';
import { DockerImageEngine } from './engine/docker-image-engine.js';
import { DockerVolumeEngine } from './engine/docker-volume-engine.js';
import { exposeMetrics } from './metrics.js';
import { openTarget } from './target/open-target.js';

/** A backup that is due is begun within this time. */
const ROUND_MS = 30_000;

/** Saves what the platform could not be made again without, to a place outside it. */
export const startBackup: StartProcess = (context) => {
  const { config, logger } = context;
  const docker = connectEngine({ host: config.engine });
  const backups = new Backups({
    context,
    engine: new DockerImageEngine(docker),
    volumes: new DockerVolumeEngine(docker, config.platform),
    openTarget: (address) => openTarget(address, config.home),
  });
  const loop = startReconcileLoop({
    name: 'backup',
    resyncMs: ROUND_MS,
    round: () => backups.round(),
    onError: (error) => logger.warn({ error: describeError(error) }, 'backup-round-failed'),
  });
  const endRpc = serveRpc(context, backups);
  const endMetrics = exposeMetrics(() => backups.state);
  return Promise.resolve({
    stop: async () => {
      endRpc();
      endMetrics();
      await loop.stop();
      await backups.stop();
    },
  });
};
