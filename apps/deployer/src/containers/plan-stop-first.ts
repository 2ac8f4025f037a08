import type { KnownInstance, RetireReason } from '@shiplog/domain';
import type { Action, Plan, PlanInput } from './actions.js';
import type { DesiredApp, WantedGeneration } from './desired.js';
import { stageOf } from './plan-stage.js';
import { inForce, isRetired, isServing } from './serving.js';

/**
 * Replaces the process types of which no two instances may run at the same time: the old one goes, and
 * only when the log says that it stopped, another one is made. Between them nothing runs.
 */
export const planStopFirst = (input: PlanInput): Plan => {
  const { app } = input;
  const own = app.instances.filter(({ process }) => isStopFirst(app, process));
  const open = own.filter((instance) => !isRetired(instance));
  if (app.status === 'unknown') return NOTHING;
  if (app.status !== 'active') return retireAll(open, app.status);
  const force = forceOf(input);
  if (force === null) return retireAll(open, 'rollout-failed');
  const retired = open.filter((instance) => isReplaced(instance, input, force));
  const surplus = app.settings.stopFirst.flatMap((process) => surplusOf(process, input, force));
  const schedules = schedulesOf(input, force);
  const isTooEarly = schedules.length > 0 && input.nowMs < input.scheduleNotBeforeMs;
  return {
    actions: [
      ...(isTooEarly ? [] : schedules),
      ...retired.map((instance) => retire(instance, reasonOf(instance, app))),
      ...surplus.map((instance) => retire(instance, 'scaled-down')),
    ],
    nextAtMs: isTooEarly ? input.scheduleNotBeforeMs : null,
  };
};

/** What serves, for as long as it is kept beside the new release as the way back. */
const forceOf = (input: PlanInput): WantedGeneration | null => {
  const { app } = input;
  const force = inForce(app);
  if (app.target === null || force !== app.target) return force;
  const others = withoutStopFirst(input);
  const { keepsLive } = stageOf(others, others.app.target ?? app.target);
  return keepsLive ? app.live : force;
};

/** The app without them: everything else is replaced by the rules for all. */
export const withoutStopFirst = (input: PlanInput): PlanInput => {
  const { app } = input;
  if (app.settings.stopFirst.length === 0) return input;
  const others = <G extends WantedGeneration>(of: G): G => ({
    ...of,
    wanted: Object.fromEntries(
      Object.entries(of.wanted).filter(([process]) => !isStopFirst(app, process)),
    ),
  });
  return {
    ...input,
    app: {
      ...app,
      live: app.live && others(app.live),
      target: app.target && others(app.target),
      instances: app.instances.filter(({ process }) => !isStopFirst(app, process)),
    },
  };
};

const NOTHING: Plan = { actions: [], nextAtMs: null };

const isStopFirst = ({ settings }: DesiredApp, process: string): boolean =>
  settings.stopFirst.includes(process);

const retire = ({ appId, instanceId }: KnownInstance, reason: RetireReason): Action => ({
  type: 'retire',
  appId,
  instanceId,
  reason,
});

const retireAll = (open: readonly KnownInstance[], reason: RetireReason): Plan => ({
  actions: open.map((instance) => retire(instance, reason)),
  nextAtMs: null,
});

/**
 * An instance of another generation goes once the rest of the app shows that the new one works at all:
 * a release that is broken everywhere costs no outage here.
 */
const isReplaced = (
  { generation }: KnownInstance,
  { app, routers }: PlanInput,
  force: WantedGeneration,
): boolean => {
  if (generation === force.generation) return false;
  // Nobody has been told of the rollout yet.
  if (app.target !== null && app.target.rollout.deadlineMs === null) return false;
  return Object.entries(force.wanted)
    .filter(([process, wanted]) => wanted > 0 && !isStopFirst(app, process))
    .every(([process]) =>
      app.instances.some(
        (one) =>
          one.process === process && one.generation === force.generation && isServing(one, routers),
      ),
    );
};

const surplusOf = (
  process: string,
  { app, routers }: PlanInput,
  force: WantedGeneration,
): readonly KnownInstance[] => {
  const own = app.instances.filter(
    (one) => one.process === process && one.generation === force.generation && !isRetired(one),
  );
  const byUse = [
    ...own.filter((one) => isServing(one, routers)),
    ...own.filter((one) => !isServing(one, routers)),
  ];
  // Whatever is wanted: one is all there may be.
  return byUse.slice(Math.min(1, force.wanted[process] ?? 0));
};

/** One of a process type of which nothing is left, not even on its way out. */
const schedulesOf = (
  { app }: PlanInput,
  { generation, version, wanted }: WantedGeneration,
): readonly Action[] =>
  app.settings.stopFirst
    .filter((process) => (wanted[process] ?? 0) > 0)
    .filter((process) => app.instances.every((one) => one.process !== process))
    .map((process) => ({
      type: 'schedule',
      appId: app.appId,
      process,
      generation,
      version,
      count: 1,
    }));

const reasonOf = ({ generation }: KnownInstance, app: DesiredApp): RetireReason =>
  app.endedGenerations.includes(generation) ? 'rollout-failed' : 'superseded';
