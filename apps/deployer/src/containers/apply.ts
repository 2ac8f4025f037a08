import { recordResized, resize } from './resize-steps.js';
import { create, keepRunning, probe, start, stop } from './engine-steps.js';
import {
  endRollout,
  recordExited,
  recordStarted,
  recordSignalled,
  recordStopped,
  retire,
  schedule,
  startRollout,
  stepRollout,
} from './fact-steps.js';
import { endInstance, recordUnready } from './health-steps.js';
import {
  createRun,
  endRun,
  recordRunStarted,
  scheduleRun,
  startRun,
  stopRun,
} from './run-steps.js';
import type { Action } from './actions.js';
import { Held } from './held.js';
import type { Lane, Work } from './task-runner.js';
import type { Workbench } from './workbench.js';

/**
 * Carries a plan out. What only appends is awaited, so that the next round sees it; what asks the
 * engine runs beside the rounds, one step at a time per instance, and wakes the next round at its end.
 */
export const apply = async (bench: Workbench, actions: readonly Action[]): Promise<void> => {
  const held = new Held(bench.context.world);
  // Engine steps are handed over first: they take longest, and do not wait for the appends.
  for (const action of actions) beside(bench, action);
  const failed = new Set<string>();
  for (const action of actions) {
    // One app's trouble does not hold up the others; its own later steps may need the one that failed.
    if (failed.has(action.appId)) continue;
    try {
      await now(bench, action, held);
    } catch (error) {
      failed.add(action.appId);
      bench.pause(action.appId);
      bench.onStepError(`${action.type} ${action.appId}`, error);
    }
  }
  for (const { appId } of actions) if (!failed.has(appId)) bench.unpause(appId);
};

const now = async (bench: Workbench, action: Action, held: Held): Promise<void> => {
  switch (action.type) {
    case 'start-rollout':
      return startRollout(bench, action);
    case 'step-rollout':
      return stepRollout(bench, action);
    case 'complete-rollout':
    case 'cancel-rollout':
    case 'fail-rollout':
      return endRollout(bench, action);
    case 'schedule':
      return schedule(bench, action, held);
    case 'retire':
      return retire(bench, action);
    case 'record-started':
      return recordStarted(bench, action);
    case 'record-signalled':
      return recordSignalled(bench, action);
    case 'record-stopped':
      return recordStopped(bench, action);
    case 'record-unready':
      return recordUnready(bench, action);
    case 'record-resized':
      return recordResized(bench, action);
    case 'schedule-run':
    case 'skip-run':
      return scheduleRun(bench, action);
    case 'record-run-started':
      return recordRunStarted(bench, action);
    case 'stop-run':
      return stopRun(bench, action);
    case 'record-exited':
    case 'create':
    case 'start':
    case 'probe':
    case 'keep-running':
    case 'end-instance':
    case 'resize':
    case 'stop':
    case 'create-run':
    case 'start-run':
    case 'end-run':
      return;
  }
};

const beside = (bench: Workbench, action: Action): void => {
  switch (action.type) {
    case 'create':
      return task(bench, action, 'engine', (leave) => create(bench, action, leave));
    case 'start':
      return task(bench, action, 'engine', (leave) => start(bench, action, leave));
    case 'keep-running':
      // Instances that somebody waits for come first: it costs the engine as much as a tenth of a start.
      if (isAnyAwaited(bench) && bench.notes.mayKeepWaiting(action.instanceId, bench.nowMs()))
        return void bench.dirty.add(action.appId);
      return task(bench, action, 'engine', () => keepRunning(bench, action));
    case 'resize':
      return task(bench, action, 'engine', () => resize(bench, action));
    case 'record-exited':
      return task(bench, action, 'look', () => recordExited(bench, action));
    case 'end-instance':
      return task(bench, action, 'stop', () => endInstance(bench, action));
    case 'create-run':
      return runTask(bench, action, 'engine', (leave) => createRun(bench, action, leave));
    case 'start-run':
      return runTask(bench, action, 'engine', (leave) => startRun(bench, action, leave));
    case 'end-run':
      return runTask(bench, action, 'look', () => endRun(bench, action));
    case 'stop':
      return task(bench, action, 'stop', () => stop(bench, action));
    case 'probe':
      bench.tasks.run('probe', `probe:${action.instanceId}`, async () => {
        await probe(bench, action);
        bench.nudge(action.appId);
      });
      return;
    case 'start-rollout':
    case 'step-rollout':
    case 'complete-rollout':
    case 'cancel-rollout':
    case 'fail-rollout':
    case 'schedule':
    case 'retire':
    case 'record-started':
    case 'record-signalled':
    case 'record-stopped':
    case 'record-unready':
    case 'record-resized':
    case 'schedule-run':
    case 'skip-run':
    case 'record-run-started':
    case 'stop-run':
      return;
  }
};

const isAnyAwaited = ({ tasks }: Workbench): boolean =>
  tasks.hasWaiting('engine') || tasks.runningIn('probe') > 0;

const task = (
  bench: Workbench,
  { appId, instanceId }: { appId: string; instanceId: string },
  lane: Lane,
  work: Work,
): void => {
  const carryOut: Work = async (leave) => {
    try {
      await work(leave);
      bench.unpause(instanceId);
    } catch (error) {
      bench.pause(instanceId);
      throw error;
    } finally {
      bench.dirty.add(appId);
    }
  };
  bench.tasks.run(lane, instanceId, carryOut, appId);
};

const runTask = (
  bench: Workbench,
  { appId, runId }: { appId: string; runId: string },
  lane: Lane,
  work: Work,
): void => task(bench, { appId, instanceId: runId }, lane, work);
