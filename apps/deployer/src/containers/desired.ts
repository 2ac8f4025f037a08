import {
  AT_ONCE,
  DEFAULT_SETTINGS,
  isWeighted,
  limitsOf,
  runningOnceOf,
  sharesOf,
  strategyOf,
  type KnownCronJob,
  type KnownInstance,
  type KnownRun,
  type RolloutState,
  type RouteState,
  type World,
} from '@shiplog/domain';
import type { Limits, RolloutStrategy, Settings } from '@shiplog/events';

/** A generation that ought to run, and how many instances of each process type it ought to have. */
export interface WantedGeneration {
  readonly generation: number;
  readonly version: number;
  readonly wanted: Readonly<Record<string, number>>;
}

/** The rollout that brings a generation live. */
export interface WantedRollout {
  readonly rolloutId: string;
  readonly generation: number;
  readonly version: number;
  readonly fromVersion: number | null;
  /** Null while it was not started. */
  readonly deadlineMs: number | null;
  readonly isCancelAsked: boolean;
  /** As it was fixed at the start; what it would be while there was none. */
  readonly strategy: RolloutStrategy;
  /** The newest step; 0 before the first. */
  readonly step: number;
  readonly steppedAtMs: number | null;
  /** It waits for nothing before this step: somebody said so. */
  readonly promotedTo: number;
  /** Set when its image is gone for good. */
  readonly lostImage: string | null;
  /** Has to succeed before anything of the release is started; null where there is none to run. */
  readonly releaseCommand: readonly string[] | null;
}

export interface StrayRollout {
  readonly rolloutId: string;
  /** All requests go to its instances already: it got where it wanted, and what follows replaces it. */
  readonly hasSwitched: boolean;
}

/** What the log says about one app, as far as containers are concerned. */
export interface DesiredApp {
  readonly appId: string;
  /** `unknown`: the log has instances of it but not the app itself, so our view is not complete. */
  readonly status: 'active' | 'stopped' | 'destroyed' | 'unknown';
  readonly teamId: string | null;
  readonly settings: Settings;
  /** By process type, of those that have instances. */
  readonly limits: Readonly<Record<string, Limits>>;
  /** Instances whose limits changed since they were made, as far as the log knows. */
  readonly resizing: ReadonlySet<string>;
  /** The newest generation whose rollout completed. */
  readonly live: WantedGeneration | null;
  /** The generation on its way, with its rollout; null when there is none. */
  readonly target: (WantedGeneration & { readonly rollout: WantedRollout }) | null;
  /** Rollouts that run although their generation is no longer wanted. */
  readonly strayRollouts: readonly StrayRollout[];
  /** Generations whose rollout failed or was cancelled. */
  readonly endedGenerations: readonly number[];
  /** Instances that were not stopped yet. */
  readonly instances: readonly KnownInstance[];
  /** One-off commands that are open, and the newest of each kind that ended. */
  readonly runs: readonly KnownRun[];
  readonly cronJobs: Readonly<Record<string, KnownCronJob>>;
}

/** A cron job whose time has come: the newest due time that was not taken up. */
export interface CronDue {
  readonly job: string;
  readonly definition: KnownCronJob;
  readonly dueMs: number;
  /** Due times before it that were not taken up either. */
  readonly earlier: number;
  readonly runId: string;
}
export interface CronDues {
  readonly due: readonly CronDue[];
  /** When others are. */
  readonly nextAtMs: readonly number[];
}

/** What a router does with an instance, as the log has it. */
export interface Routes {
  get(instanceId: string): RouteState | undefined;
}

/** Which part of the requests a router gives to an instance, as the log has it; undefined: an even one. */
export interface Weights {
  get(instanceId: string): number | undefined;
}

type KnownRollout = Exclude<RolloutState, { status: 'none' }>;
type Deployment = NonNullable<ReturnType<World['deployment']>>;
type Release = NonNullable<Deployment['live']>['release'];

/** Folds what the world knows about one app into what its containers should be. */
export const desiredApp = (world: World, appId: string): DesiredApp => {
  const { state } = world.get('app', appId);
  const deployment = world.deployment(appId);
  const rollouts = world.rolloutsOf(appId);
  const target = deployment?.target ?? null;
  const instances = world.instancesOf(appId);
  return {
    appId,
    status: statusOf(state, deployment),
    teamId: state.status === 'none' ? null : state.teamId,
    settings: deployment === undefined ? DEFAULT_SETTINGS : settingsOf(deployment.app),
    limits: deployment === undefined ? {} : limitsByProcess(deployment.app, instances),
    resizing: new Set(
      instances.flatMap(({ instanceId }) => (world.isResizing(instanceId) ? instanceId : [])),
    ),
    live: deployment?.live ? generationOf(deployment, deployment.live) : null,
    target: deployment === undefined ? null : targetOf(world, deployment),
    strayRollouts: straysOf(rollouts, target),
    endedGenerations: rollouts.filter(isEnded).map(({ generation }) => generation),
    instances,
    runs: world.runsOf(appId),
    cronJobs: deployment?.app.cronJobs ?? {},
  };
};

/** A process type that has an exclusive volume is replaced as one that must not run twice. */
const settingsOf = (app: Deployment['app']): Settings => {
  const stopFirst = runningOnceOf(app);
  return stopFirst.length === app.settings.stopFirst.length
    ? app.settings
    : { ...app.settings, stopFirst };
};

const targetOf = (world: World, deployment: Deployment): DesiredApp['target'] => {
  const { target } = deployment;
  return target === null
    ? null
    : { ...generationOf(deployment, target), rollout: rolloutOf(world, deployment, target) };
};

const straysOf = (
  rollouts: readonly KnownRollout[],
  target: Deployment['target'],
): DesiredApp['strayRollouts'] =>
  rollouts
    .filter(({ status, rolloutId }) => status === 'running' && rolloutId !== target?.rolloutId)
    .map((rollout) => ({
      rolloutId: rollout.rolloutId,
      // A rollback wants away from it: the old ones serve again at once.
      hasSwitched: hasSwitched(rollout) && (target?.release.rollbackOf ?? null) === null,
    }));

const limitsByProcess = (
  app: Deployment['app'],
  instances: readonly KnownInstance[],
): DesiredApp['limits'] =>
  Object.fromEntries(
    [...new Set(instances.map(({ process }) => process))].map((process) => [
      process,
      limitsOf(app, process),
    ]),
  );

const statusOf = (
  state: ReturnType<World['get']>['state'] | { status: string },
  deployment: Deployment | undefined,
): DesiredApp['status'] => {
  if (deployment !== undefined) return deployment.app.stopped ? 'stopped' : 'active';
  return state.status === 'destroyed' ? 'destroyed' : 'unknown';
};

const hasSwitched = ({ status, strategy, ...rollout }: KnownRollout): boolean =>
  status === 'running' &&
  isWeighted(strategy) &&
  'step' in rollout &&
  rollout.step >= sharesOf(strategy).length;

const isEnded = ({ status }: KnownRollout): boolean =>
  status === 'failed' || status === 'cancelled';

const generationOf = (
  { app }: Deployment,
  of: { generation: number; release: Release },
): WantedGeneration => ({
  generation: of.generation,
  version: of.release.version,
  wanted: Object.fromEntries(
    Object.keys(of.release.processes).map((type) => [
      type,
      app.stopped ? 0 : (app.formation[type] ?? 0),
    ]),
  ),
});

const rolloutOf = (
  world: World,
  { app, live }: Deployment,
  target: NonNullable<Deployment['target']>,
): WantedRollout => {
  const { state } = world.get('rollout', target.rolloutId);
  const build =
    target.release.buildId === null ? undefined : world.get('build', target.release.buildId).state;
  return {
    rolloutId: target.rolloutId,
    generation: target.generation,
    version: target.release.version,
    fromVersion: live?.release.version ?? null,
    deadlineMs: state.status === 'running' ? Date.parse(state.deadline) : null,
    isCancelAsked: app.rolloutCancels.includes(target.rolloutId),
    ...(state.status === 'running'
      ? {
          strategy: state.strategy,
          step: state.step,
          steppedAtMs: state.steppedAt === null ? null : Date.parse(state.steppedAt),
        }
      : { strategy: strategyFor(app.settings, target), step: 0, steppedAtMs: null }),
    promotedTo: Math.max(
      0,
      ...app.rolloutPromotes.flatMap(({ rolloutId, step }) =>
        rolloutId === target.rolloutId ? step : [],
      ),
    ),
    releaseCommand: releaseCommandOf(target.release, live),
    lostImage: build?.status === 'succeeded' ? (build.lost?.summary ?? null) : null,
  };
};

/** A way back takes no steps. */
const strategyFor = (
  settings: Settings,
  { release, generation }: NonNullable<Deployment['target']>,
): RolloutStrategy =>
  release.rollbackOf !== null && release.generation === generation ? AT_ONCE : strategyOf(settings);
/** By this process type of a Procfile. No instance of it is wanted unless somebody scales it. */
const RELEASE_PROCESS = 'release';

/**
 * A release that serves was prepared for already. One that goes back to an older one was, too: the way back
 * must not hang on a command.
 */
const releaseCommandOf = (release: Release, live: Deployment['live']): readonly string[] | null =>
  release.version === live?.release.version || release.rollbackOf !== null
    ? null
    : (release.processes[RELEASE_PROCESS]?.command ?? null);
