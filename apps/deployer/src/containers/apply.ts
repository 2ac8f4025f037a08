import { create, keepRunning, probe, start, stop } from './engine-steps.js';
import {
  endRollout,
  recordExited,
  recordStarted,
  recordStopped,
  retire,
  schedule,
  startRollout,
} from './fact-steps.js';
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
    case 'record-stopped':
      return recordStopped(bench, action);
    case 'record-exited':
    case 'create':
    case 'start':
    case 'probe':
    case 'keep-running':
    case 'stop':
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
      return task(bench, action, 'engine', () => keepRunning(bench, action));
    case 'record-exited':
      return task(bench, action, 'look', () => recordExited(bench, action));
    case 'stop':
      return task(bench, action, 'stop', () => stop(bench, action));
    case 'probe':
      bench.tasks.run('probe', `probe:${action.instanceId}`, async () => {
        await probe(bench, action);
        bench.nudge(action.appId);
      });
      return;
    case 'start-rollout':
    case 'complete-rollout':
    case 'cancel-rollout':
    case 'fail-rollout':
    case 'schedule':
    case 'retire':
    case 'record-started':
    case 'record-stopped':
      return;
  }
};

const task = (
  bench: Workbench,
  { appId, instanceId }: { appId: string; instanceId: string },
  lane: Lane,
  work: Work,
): void => {
  bench.tasks.run(lane, instanceId, async (leave) => {
    try {
      await work(leave);
      bench.unpause(instanceId);
    } catch (error) {
      bench.pause(instanceId);
      throw error;
    } finally {
      bench.dirty.add(appId);
    }
  });
};
