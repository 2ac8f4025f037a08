import { desiredApp, type DesiredApp } from './desired.js';
import type { Action, Plan } from './actions.js';
import type { Workbench } from './workbench.js';

/** What a round wants to do for one app. */
export interface PlannedApp extends Plan {
  readonly app: DesiredApp;
}

/** The next steps for one app, from what is known now. Costs what the app is, whatever else exists. */
export const planApp = (bench: Workbench, appId: string): PlannedApp => {
  const nowMs = bench.nowMs();
  const app = desiredApp(bench.context.world, appId);
  const pausedUntilMs = bench.pausedUntilMs(appId);
  if (pausedUntilMs !== null) return { app, actions: [], nextAtMs: pausedUntilMs };
  const paused = new Set<string>();
  const times: number[] = [];
  for (const { runId } of app.runs) {
    const untilMs = bench.pausedUntilMs(runId);
    if (untilMs === null) continue;
    paused.add(runId);
    times.push(untilMs);
  }
  for (const { status, instanceId } of app.instances) {
    if (status === 'retired') bench.notes.retired(instanceId, nowMs);
    const untilMs = bench.pausedUntilMs(instanceId);
    if (untilMs === null) continue;
    paused.add(instanceId);
    times.push(untilMs);
  }
  const { tasks, view, joined } = bench;
  const { actions, nextAtMs } = bench.plan({
    app,
    containers: view.containers,
    routers: bench.context.world.routers(),
    notes: bench.notes.byInstance,
    signalsOf: (containerId) => view.signalsOf(containerId),
    busy: {
      has: (id) => tasks.busy.has(id) || view.hidden.has(id) || joined.has(id) || paused.has(id),
    },
    scheduleNotBeforeMs: bench.notes.scheduleNotBeforeMs(appId),
    measured: bench.traffic.measured(app),
    dues: bench.cronClock.duesOf(app, nowMs),
    nowMs,
  });
  if (nextAtMs !== null) times.push(nextAtMs);
  return { app, actions, nextAtMs: times.length === 0 ? null : Math.min(...times) };
};

/**
 * Is that still what has to be done? Steps of a plan are carried out one after the other, and some
 * wait for the engine: what was a leftover when it was planned may be all that serves by now.
 */
export const isStillPlanned = (
  bench: Workbench,
  { appId, instanceId }: Extract<Action, { type: 'retire' }>,
): boolean =>
  planApp(bench, appId).actions.some(
    (action) => action.type === 'retire' && action.instanceId === instanceId,
  );
