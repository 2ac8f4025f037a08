import { connectEngine } from '@shiplog/engine';
import { TRAFFIC_TOPIC } from '@shiplog/domain';
import { startReconcileLoop, type ReconcileLoopOptions } from '@shiplog/reconcile';
import {
  describeError,
  type ProcessContext,
  type RunningProcess,
  type StartProcess,
} from '@shiplog/runtime';
import { DockerContainerEngine } from './containers/docker-container-engine.js';
import { EngineError, type ContainerEngine } from './containers/container-engine.port.js';
import { Reconciliation } from './containers/reconcile.js';
import { publishAddressOf } from './containers/publish-address.js';
import { watchEngine } from './containers/watch-engine.js';
import { findDnsmasq } from './discovery/resolver-image.js';
import { startDiscovery } from './discovery/start-discovery.js';
import { tellAnswers } from './health/tell-answers.js';
import { serveRpc } from './rpc/serve.js';
import { VolumeKeeper } from './volumes/volume-keeper.js';
import { Workbench, type WorkbenchOptions } from './containers/workbench.js';

export { ENGINE_STEPS_AT_ONCE } from './containers/task-runner.js';

/** What a running start, stop or append may take when the process is asked to end. */
const CLOSE_MS = 5000;

/** Docker hangs at a lock of one container, or for good: what was asked is unknown from then on. */
const ANSWER_WITHIN_MS = 60_000;

/** Runs instances as the log wants them, on the engine of this machine. */
export const startDeployer: StartProcess = async (context) => {
  const { config, logger } = context;
  const docker = connectEngine({ host: config.engine, answerWithinMs: ANSWER_WITHIN_MS });
  const engine = new DockerContainerEngine(docker, config.platform, {
    publishAddress: publishAddressOf(docker, config),
    dnsmasq: await findDnsmasq(process.env),
    onResolverTrouble: (teamId, error) =>
      logger.warn({ teamId, error: describeError(error) }, 'resolver-does-not-start'),
  });
  if (engine.resolvers === null) logger.warn('no-dnsmasq: apps do not find each other by name');
  const reconciling = startReconciling(context, engine);
  const discovery = engine.resolvers && startDiscovery(context, engine.resolvers);
  tellAnswers(reconciling.bench);
  const volumes = new VolumeKeeper(reconciling.bench);
  const unfollow = context.feed.onBatch((batch) => volumes.take(batch));
  volumes.start();
  const endRpc = serveRpc(reconciling.bench, engine, docker, volumes);
  return {
    stop: async () => {
      endRpc();
      unfollow();
      await volumes.stop();
      await discovery?.stop();
      await reconciling.stop();
    },
  };
};

/** A step of fifty that start together ends every few milliseconds, and a round looks at all fifty. */
const REST_MS_MAX = 20;

/** Where the world is a simulated one. */
type Simulated = Omit<WorkbenchOptions, 'onStepError'> & Pick<ReconcileLoopOptions, 'after'>;

/** The part that keeps containers as they should be, on any engine. */
export const startReconciling = (
  context: ProcessContext,
  engine: ContainerEngine,
  { after, ...simulated }: Simulated = {},
): RunningProcess & { readonly bench: Workbench } => {
  const { logger } = context;
  const health = engineHealth(context);
  const bench = new Workbench(context, engine, {
    ...simulated,
    onStepError: (step, error) => {
      health.failed(error, step);
      bench.view.distrust();
    },
  });
  const reconciliation = new Reconciliation(bench);
  const loop = startReconcileLoop({
    name: 'containers',
    ...(after === undefined ? { restMsMax: REST_MS_MAX } : { after }),
    round: async () => {
      const result = await reconciliation.round();
      health.answered();
      return result;
    },
    onError: (error) => {
      health.failed(error, 'round');
      bench.view.distrust();
    },
  });
  bench.wake = () => loop.nudge();
  const unfollow = context.feed.onBatch((batch) => reconciliation.take(batch));
  const unlisten = context.bus.listen('router-sync', TRAFFIC_TOPIC, (data) => {
    const appId = bench.traffic.take(data);
    if (appId !== undefined) bench.nudge(appId);
  });
  const watching = watchEngine(
    engine,
    {
      onOpen: () => bench.engineOpened(),
      onNotice: (notice) => {
        bench.view.notice(notice);
        loop.nudge();
      },
    },
    bench.abort.signal,
    bench.sleep,
  );
  logger.info('deployer-started');
  return {
    bench,
    stop: async () => {
      unfollow();
      unlisten();
      bench.abort.abort();
      await loop.stop();
      await Promise.all([bench.tasks.close(CLOSE_MS), watching]);
    },
  };
};

/** Says once that the engine does not answer, and once that it does again. */
const engineHealth = ({ logger }: ProcessContext) => {
  let isDown = false;
  return {
    answered: () => {
      if (isDown) logger.info('engine-answers-again');
      isDown = false;
    },
    failed: (error: unknown, doing: string) => {
      const isUnreachable = error instanceof EngineError && error.code === 'engine-unreachable';
      if (isUnreachable && isDown) return;
      isDown ||= isUnreachable;
      logger.error(
        { doing, error: describeError(error) },
        isUnreachable ? 'engine-unreachable' : 'step-failed',
      );
    },
  };
};
