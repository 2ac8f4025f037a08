import { statfs } from 'node:fs/promises';
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
import { locateCgroup, readCgroupHost, type CgroupVersion } from './cgroups/locate.js';
import { coresInUse } from './cgroups/rates.js';
import { takeSample, type Sample } from './cgroups/sample.js';
import { watchEngine } from './engine-events.js';
import { Look } from './look.js';
import { METRIC_NAMES, registerMetrics, type Reading } from './metrics.js';
import { WatchedContainers } from './watched-containers.js';

/** How often figures are read and published. */
const SAMPLE_EVERY_MS = 1_000;
const RESYNC_MS = 30_000;
/** A machine changes seldom: it is not looked at with every container that starts. */
const NODE_EVERY_MS = 20_000;

/** Reads cgroup files, publishes the figures, and records what machine this is. */
export const startMonitorAgent: StartProcess = async (context) => {
  const engine = connectEngine({
    ...(context.config.engine ? { host: context.config.engine } : {}),
  });
  const host = await readCgroupHost();
  const watched = new WatchedContainers(engine, context.config.platform, (pid) =>
    locateCgroup(host, pid),
  );
  let readings: readonly Reading[] = [];
  const started = new Set<string>();
  let listDueMs = 0;
  let nodeDueMs = 0;
  let engineDisk: DiskRoom | null = null;

  const loop = startReconcileLoop({
    name: 'monitor-agent',
    resyncMs: RESYNC_MS,
    round: async () => {
      const ids = [...started];
      started.clear();
      if (performance.now() >= listDueMs) {
        await watched.refresh();
        listDueMs = performance.now() + RESYNC_MS;
      } else {
        for (const id of ids) await watched.add(id);
      }
      if (performance.now() >= nodeDueMs) {
        const root = await observeNode(context, engine, host.version);
        engineDisk = await roomIn(root);
        nodeDueMs = performance.now() + NODE_EVERY_MS;
      }
      return undefined;
    },
    onError: (error) => {
      listDueMs = 0;
      context.logger.warn({ error: describeError(error) }, 'monitor-round-failed');
    },
  });
  const events = watchEngine(engine, context.config.platform, {
    onConnected: () => {
      listDueMs = 0;
      loop.nudge();
    },
    onEvent: (action, containerId) => {
      watched.forget(containerId);
      // Figures are wanted with the next sample: many that start together take one round.
      if (action === 'start') started.add(containerId);
      else started.delete(containerId);
    },
  });
  const look = new Look(takeSample, ({ name }, error) =>
    context.logger.warn({ name, error: describeError(error) }, 'container-not-sampled'),
  );
  const previous = new Map<string, Sample>();
  const timer = setInterval(() => {
    readings = look.at(watched.all(), Date.now());
    context.bus.publish('metrics', { ...messageOf(readings, previous), engineDisk });
    if (started.size > 0) loop.nudge();
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

interface EngineMachine {
  readonly Name: string;
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly ServerVersion: string;
  readonly DockerRootDir: string;
}

interface DiskRoom {
  readonly path: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Null where the folder of the engine is not to be seen from here, as in a container. */
const roomIn = async (path: string): Promise<DiskRoom | null> => {
  try {
    const { bavail, blocks, bsize } = await statfs(path);
    return { path, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return null;
  }
};

/** Answers where the engine keeps what it has. The engine's words for its machine: from inside a container ours would name the container. */
const observeNode = async (
  context: ProcessContext,
  engine: Docker,
  cgroupVersion: CgroupVersion,
): Promise<string> => {
  const machine = (await engine.info()) as EngineMachine;
  const { nodeId } = context.config;
  await context.commands.handle(
    'node',
    nodeId,
    {
      type: 'ObserveNode',
      nodeId,
      hostname: machine.Name,
      cpus: machine.NCPU,
      memoryBytes: machine.MemTotal,
      engineVersion: machine.ServerVersion,
      cgroupVersion,
    },
    onOwnAccount(context),
  );
  return machine.DockerRootDir;
};
