import type { KnownInstance, RetireReason } from '@shiplog/domain';
import type { WantedGeneration } from './desired.js';
import type { Action, Plan, PlanInput } from './actions.js';
import { stageOf, type Stage } from './plan-stage.js';
import { inForce, isRetired, isServing } from './serving.js';

/**
 * Which instances are made and which are no longer needed. Never less capacity than wanted: an
 * instance that serves goes only when enough others serve, or when nobody wants the app to run.
 */
export const planReplacement = (input: PlanInput): Plan => {
  const { app } = input;
  const open = app.instances.filter((instance) => !isRetired(instance));
  const generation = inForce(app);
  if (app.status === 'unknown') return nothing;
  if (app.status !== 'active') return retireAll(open, app.status);
  // Its only rollout failed or was cancelled: there is nothing to go back to.
  if (generation === null) return retireAll(open, 'rollout-failed');
  return replace(input, open, generation);
};

const replace = (
  input: PlanInput,
  open: readonly KnownInstance[],
  generation: WantedGeneration,
): Plan => {
  const { app } = input;
  const stage = stageInForce(input, generation);
  // Both are in force: what serves in full number, what comes as far as it may.
  const kept = stage?.keepsLive === true ? app.live : null;
  const forces = kept === null ? [generation] : [generation, kept];
  const schedules = planSchedules(input, open, [
    { ...generation, wanted: stage?.allowed ?? generation.wanted },
    ...(kept === null ? [] : [kept]),
  ]);
  const others =
    kept === null
      ? retireOthers(input, open, generation)
      : retireOthers(
          input,
          open.filter((instance) => instance.generation !== generation.generation),
          kept,
        );
  const times = [schedules.nextAtMs, stage?.nextAtMs ?? null].filter((at) => at !== null);
  return {
    actions: [
      ...schedules.actions,
      ...forces.flatMap((force) => retireSurplus(input, open, force)),
      ...others,
    ],
    nextAtMs: times.length === 0 ? null : Math.min(...times),
  };
};

/** While its release command runs, nothing of the target is made, and what serves is kept as it is. */
const stageInForce = (input: PlanInput, force: WantedGeneration): Stage | null => {
  const { target } = input.app;
  return target !== null && force === target ? stageOf(input, target) : null;
};

const nothing: Plan = { actions: [], nextAtMs: null };

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

const planSchedules = (
  { app, nowMs, scheduleNotBeforeMs }: PlanInput,
  open: readonly KnownInstance[],
  generations: readonly WantedGeneration[],
): Plan => {
  const missing = generations.flatMap(({ generation, version, wanted }) =>
    Object.entries(wanted).flatMap(([process, count]): Action[] => {
      const have = open.filter((i) => i.process === process && i.generation === generation).length;
      if (have >= count) return [];
      return [
        { type: 'schedule', appId: app.appId, process, generation, version, count: count - have },
      ];
    }),
  );
  if (missing.length > 0 && nowMs < scheduleNotBeforeMs) {
    return { actions: [], nextAtMs: scheduleNotBeforeMs };
  }
  return { actions: missing, nextAtMs: null };
};

/** More of the right generation than wanted: the ones that do not serve go first, then the newest. */
const retireSurplus = (
  { routers }: PlanInput,
  open: readonly KnownInstance[],
  { generation, wanted }: WantedGeneration,
): Action[] =>
  Object.entries(wanted).flatMap(([process, count]) => {
    const own = open.filter((i) => i.process === process && i.generation === generation);
    const byUse = [
      ...own.filter((i) => isServing(i, routers)),
      ...own.filter((i) => i.status === 'ready' && !isServing(i, routers)),
      ...own.filter((i) => i.status !== 'ready'),
    ];
    return byUse.slice(count).map((instance) => retire(instance, 'scaled-down'));
  });

/** Instances of other generations, as far as the ones in force have taken their place. */
const retireOthers = (
  input: PlanInput,
  open: readonly KnownInstance[],
  force: WantedGeneration,
): Action[] => {
  const { app, routers } = input;
  const others = open.filter(({ generation }) => generation !== force.generation);
  if (others.length === 0) return [];
  const serving = open.filter((instance) => isServing(instance, routers));
  const count = (process: string, generation?: number): number =>
    serving.filter(
      (i) => i.process === process && (generation === undefined || i.generation === generation),
    ).length;
  const wantedTypes = Object.entries(force.wanted).filter(([, wanted]) => wanted > 0);
  // One serving instance of each type shows that the release works at all; before, nothing old goes.
  const isProven = wantedTypes.every(([type]) => count(type, force.generation) > 0);
  const isComplete = wantedTypes.every(([type, n]) => count(type, force.generation) >= n);

  return [...new Set(others.map(({ process }) => process))].flatMap((process) => {
    const candidates = others.filter((instance) => instance.process === process);
    const wanted = force.wanted[process] ?? 0;
    const goes = (): readonly KnownInstance[] => {
      if (wanted === 0) return isComplete ? candidates : [];
      if (count(process, force.generation) >= wanted && isProven) return candidates;
      if (!isProven && app.target !== null) return [];
      return inRetireOrder(candidates, app.live?.generation)
        .filter((instance) => isServing(instance, routers))
        .slice(0, Math.max(0, count(process) - wanted));
    };
    const chosen = new Set(goes());
    return candidates
      .filter((instance) => chosen.has(instance) || isLeftover(instance, input))
      .map((instance) => retire(instance, reasonOf(instance, input)));
  });
};

/** What serves now goes last, so that the way back stays short. */
const inRetireOrder = (
  candidates: readonly KnownInstance[],
  live: number | undefined,
): readonly KnownInstance[] => [
  ...candidates.filter(({ generation }) => generation !== live),
  ...candidates.filter(({ generation }) => generation === live),
];

/** Made for a rollout that is over, and never got as far as serving. */
const isLeftover = (instance: KnownInstance, { app }: PlanInput): boolean =>
  instance.status !== 'ready' && instance.generation !== app.live?.generation;

const reasonOf = ({ generation }: KnownInstance, { app }: PlanInput): RetireReason =>
  app.endedGenerations.includes(generation) ? 'rollout-failed' : 'superseded';
