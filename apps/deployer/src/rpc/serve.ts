import type Docker from 'dockerode';
import type { DockerContainerEngine } from '../containers/docker-container-engine.js';
import type { Workbench } from '../containers/workbench.js';
import type { VolumeKeeper } from '../volumes/volume-keeper.js';
import { endAbandonedRuns } from './abandoned-runs.js';
import { backupHookInput, runBackupHook } from './backup-hook.js';
import { execInInstance } from './exec.js';
import { imageInput, imageLayers } from './image-layers.js';
import { execInput, logsInput, parseInput, runInput } from './input.js';
import { sendLogs } from './logs.js';
import { volumeUsage, volumeUsageInput } from './volume-usage.js';
import { runOneOff } from './run.js';
import { runJob, runJobInput, stopRun, stopRunInput } from './runs.js';

/** How often it is looked for commands that nobody waits for. */
const LOOK_FOR_ABANDONED_MS = 10_000;

/** Answers other processes over the bus: health, logs, exec, run. Returns the way to end it. */
export const serveRpc = (
  bench: Workbench,
  engine: DockerContainerEngine,
  docker: Docker,
  volumes: VolumeKeeper,
): (() => void) => {
  const { bus, config, feed, world } = bench.context;
  const onChange = (appId: string, listener: () => void) =>
    feed.onBatch((batch) => {
      const isOurs = batch.some(({ commit }) =>
        commit.events.some(
          ({ type, data }) => type === 'InstanceStarted' && 'appId' in data && data.appId === appId,
        ),
      );
      if (isOurs) listener();
    });
  const watched = new Set<string>();
  let isLooking = false;
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    const isDestroyed = (appId: string) => world.get('app', appId).state.status === 'destroyed';
    const isWatched = (name: string) => watched.has(name);
    // What did not work now is done the next time.
    void endAbandonedRuns({ docker, platform: config.platform, isWatched, isDestroyed })
      .catch(() => undefined)
      .then(() => (isLooking = false));
  }, LOOK_FOR_ABANDONED_MS);
  const ends = [
    () => clearInterval(timer),
    bus.serve('health', async () => ({
      ...(await engine.facts()),
      instances: world.instanceCount,
    })),
    bus.serve('image-layers', async (input) => ({
      layers: await imageLayers(docker, parseInput(imageInput, input).imageId),
    })),
    bus.serveSessions('logs', (input, session) =>
      sendLogs(
        { docker, engine, platform: config.platform, onChange },
        parseInput(logsInput, input),
        session,
      ),
    ),
    bus.serveSessions('exec', (input, session) =>
      execInInstance(
        {
          docker,
          containerOf: (instanceId) => {
            const container = bench.view.containers.get(instanceId);
            return container && { id: container.id, isRunning: container.status === 'running' };
          },
        },
        parseInput(execInput, input),
        session,
      ),
    ),
    bus.serve('run-job', (input) => runJob(bench, parseInput(runJobInput, input))),
    bus.serve('volume-usage', (input) =>
      Promise.resolve(volumeUsage(volumes, parseInput(volumeUsageInput, input))),
    ),
    bus.serve('backup-hook', (input) => runBackupHook(bench, parseInput(backupHookInput, input))),
    bus.serve('stop-run', (input) => stopRun(bench, parseInput(stopRunInput, input))),
    bus.serveSessions('run', (input, session) =>
      runOneOff({ docker, engine, bench, watched }, parseInput(runInput, input), session),
    ),
  ];
  return () => {
    for (const end of ends) end();
  };
};
