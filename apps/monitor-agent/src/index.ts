import { cpus, hostname, totalmem } from 'node:os';
import type Docker from 'dockerode';
import { connectEngine } from '@shiplog/engine';
import { startReconcileLoop } from '@shiplog/reconcile';
import {
  describeError,
  onOwnAccount,
  type ProcessContext,
  type StartProcess,
} from '@shiplog/runtime';
import { register } from 'prom-client';
import { readCgroupHost, type CgroupVersion } from './cgroups/locate.js';
import { coresInUse } from './cgroups/rates.js';
import { takeSample, type Sample } from './cgroups/sample.js';
import { watchEngine } from './engine-events.js';
import { METRIC_NAMES, registerMetrics, type Reading } from './metrics.js';
import { WatchedContainers } from './watched-containers.js';

/** How often figures are read and published. */
const SAMPLE_EVERY_MS = 1_000;

/** Reads cgroup files, publishes the figures, and records what machine this is. */
export const startMonitorAgent: StartProcess = async (context) => {
  const engine = connectEngine({
    ...(context.config.engine ? { host: context.config.engine } : {}),
  });
  const host = await readCgroupHost();
  const watched = new WatchedContainers(engine, context.config.platform, host);
  let readings: readonly Reading[] = [];

  const loop = startReconcileLoop({
    name: 'monitor-agent',
    resyncMs: 30_000,
    round: async () => {
      await watched.refresh();
      await observeNode(context, engine, host.version);
      return undefined;
    },
    onError: (error) =>
      context.logger.warn({ error: describeError(error) }, 'monitor-round-failed'),
  });
  const events = watchEngine(engine, context.config.platform, (action, containerId) => {
    if (action === 'die') watched.forget(containerId);
    loop.nudge();
  });
  const previous = new Map<string, Sample>();
  const timer = setInterval(() => {
    readings = look(watched);
    context.bus.publish('metrics', messageOf(readings, previous));
  }, SAMPLE_EVERY_MS);
  registerMetrics(register, () => readings);

  return {
    stop: async () => {
      clearInterval(timer);
      events.stop();
      await loop.stop();
      for (const name of METRIC_NAMES) register.removeSingleMetric(name);
    },
  };
};

const look = (watched: WatchedContainers): readonly Reading[] =>
  watched.all().flatMap((container) => {
    const sample = takeSample(container.paths, Date.now());
    return sample === undefined ? [] : [{ container, sample }];
  });

/** What `shiplog ps` shows: `cpu` in cores, memory as the working set. */
const messageOf = (readings: readonly Reading[], previous: Map<string, Sample>) => {
  const instances = readings.map(({ container, sample }) => {
    const cpu = coresInUse(previous.get(container.containerId), sample);
    return {
      instanceId: container.instanceId,
      containerId: container.containerId,
      cpu,
      memoryBytes: sample.workingSetBytes,
      memoryLimitBytes: sample.memoryLimitBytes,
      pids: sample.pids,
      rxBytes: sample.receivedBytes,
      txBytes: sample.sentBytes,
      oomKills: sample.oomKills,
    };
  });
  previous.clear();
  for (const { container, sample } of readings) previous.set(container.containerId, sample);
  return { at: new Date().toISOString(), instances };
};

const observeNode = async (
  context: ProcessContext,
  engine: Docker,
  cgroupVersion: CgroupVersion,
): Promise<void> => {
  const version = (await engine.version()) as { Version?: string };
  const { nodeId } = context.config;
  await context.commands.handle(
    'node',
    nodeId,
    {
      type: 'ObserveNode',
      nodeId,
      hostname: hostname(),
      cpus: cpus().length,
      memoryBytes: totalmem(),
      engineVersion: version.Version ?? 'unknown',
      cgroupVersion,
    },
    onOwnAccount(context),
  );
};
