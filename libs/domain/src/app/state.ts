import type {
  AppEvent,
  Checks,
  DomainUse,
  Formation,
  Image,
  Maintenance,
  OwnLimits,
  ProcessSpec,
  Settings,
  Source,
  TrafficPolicy,
} from '@shiplog/events';
import { OPEN_TO_ALL, withBasicAuth, type BasicAuth } from './basic-auth.js';
import { withCheck } from './checks.js';
import { withCronJob, withoutCronJob, type CronJobs } from './cron-jobs.js';
import { evolveDomains } from './domain-uses.js';
import type { Lock } from './lock.js';
import { evolvePorts, type Ports } from './ports.js';
import { evolveVolumes, type Volumes } from './volumes.js';

export const DEFAULT_SETTINGS: Settings = {
  port: null,
  protocol: 'http',
  healthPath: null,
  startTimeoutSeconds: 60,
  rolloutTimeoutSeconds: 300,
  drainSeconds: 30,
  graceSeconds: 30,
  memoryBytes: 512 * 1024 * 1024,
  cpus: 1,
  pids: 512,
  releasesKept: 20,
  strategy: 'rolling',
  batch: '100%',
  batchPauseSeconds: 0,
  retainSeconds: 300,
  canarySteps: '10,50',
  canaryMatch: null,
  canaryStepSeconds: 300,
  canaryPromote: 'auto',
  canaryRequests: 100,
  canaryErrorPoints: 1,
  canaryLatencyPercent: 50,
  memoryReservationBytes: null,
  cpuReservation: null,
  ioWeight: 500,
  ioReadBps: null,
  ioWriteBps: null,
  ioReadIops: null,
  ioWriteIops: null,
  ulimits: {},
  shmBytes: 64 * 1024 * 1024,
  readOnlyRoot: false,
  tmpfs: [],
  runtime: null,
  stopFirst: [],
};

/** Config values are encrypted: see `encryptedValue` in libs/events. */
export type Config = Readonly<Record<string, string>>;

export interface Release {
  readonly version: number;
  readonly generation: number;
  readonly image: Image;
  readonly buildId: string | null;
  readonly processes: Readonly<Record<string, ProcessSpec>>;
  /** The config this release runs with, so that a rollback brings it back. */
  readonly config: Config;
  readonly rollbackOf: number | null;
}

export interface RequestedBuild {
  readonly source: Source;
  readonly cancelRequested: boolean;
}

export interface ActiveApp {
  readonly status: 'active';
  readonly appId: string;
  readonly name: string;
  readonly teamId: string;
  readonly config: Config;
  readonly settings: Settings;
  /** Health checks that are not the default ones; absent: none is. */
  readonly checks?: Checks;
  readonly formation: Formation;
  /** Limits of process types that differ from those of the app. */
  readonly ownLimits: Readonly<Record<string, OwnLimits>>;
  /** Oldest first; the newest `settings.releasesKept` of them. */
  readonly releases: readonly Release[];
  readonly lastVersion: number;
  /** What has to be rolled out; grows with each release, restart or change of settings. */
  readonly generation: number;
  /** The release of the newest generation. */
  readonly generationVersion: number;
  /** Builds whose outcome may still matter: the newest ones, and those of kept releases. */
  readonly builds: Readonly<Record<string, RequestedBuild>>;
  /** What the router does with its requests; absent: as for every app. */
  readonly traffic?: TrafficPolicy;
  /** Who may send it requests; absent: everyone. */
  readonly basicAuth?: BasicAuth;
  readonly domains: readonly string[];
  /** By domain; what is not here is served plainly. */
  readonly domainUses: Readonly<Record<string, DomainUse>>;
  /** By number: the ports of the routers that lead to its processes; absent: none does. */
  readonly ports?: Ports;
  readonly stopped: boolean;
  readonly rolloutCancels: readonly string[];
  /** Steps that rollouts need not wait for, the newest ones. */
  readonly rolloutPromotes: readonly RolloutPromote[];
  /** By name. */
  readonly cronJobs: CronJobs;
  /** By name. */
  readonly volumes: Volumes;
  /** Also one that ended by itself. */
  readonly lock?: Lock | undefined;
  readonly maintenance?: Maintenance | undefined;
}

export interface RolloutPromote {
  readonly rolloutId: string;
  readonly step: number;
}

export type AppState =
  | { readonly status: 'none' }
  | ActiveApp
  | {
      readonly status: 'destroyed';
      readonly appId: string;
      readonly name: string;
      readonly teamId: string;
    };

export const initialState: AppState = { status: 'none' };

const BUILDS_KEPT = 50;
const CANCELS_KEPT = 10;
const PROMOTES_KEPT = 10;

export const evolve = (state: AppState, event: AppEvent): AppState => {
  if (event.type === 'AppCreated') return created(event.data);
  if (state.status !== 'active') return state;

  switch (event.type) {
    case 'ConfigChanged':
      return { ...state, config: withConfig(state.config, event.data.set, event.data.unset) };
    case 'SettingsChanged':
      return { ...state, settings: { ...state.settings, ...definedOf(event.data.changes) } };
    case 'HealthCheckChanged':
      return { ...state, checks: withCheck(state.checks, event.data) };
    case 'TrafficPolicyChanged':
      return { ...state, traffic: event.data.policy };
    case 'BasicAuthChanged':
      return { ...state, basicAuth: withBasicAuth(state.basicAuth ?? OPEN_TO_ALL, event.data) };
    case 'BuildRequested':
      return withBuild(state, event.data.buildId, {
        source: event.data.source,
        cancelRequested: false,
      });
    case 'BuildCancelRequested': {
      const build = state.builds[event.data.buildId];
      return build === undefined
        ? state
        : withBuild(state, event.data.buildId, { ...build, cancelRequested: true });
    }
    case 'ReleaseCreated':
      return released(state, event.data);
    case 'ReleasePromoted':
      return state;
    case 'FormationScaled':
      return { ...state, formation: { ...state.formation, ...event.data.formation } };
    case 'ProcessResized':
      return { ...state, ownLimits: withOwnLimits(state.ownLimits, event.data) };
    case 'AppRestarted':
      return {
        ...state,
        generation: event.data.generation,
        generationVersion: event.data.version,
      };
    case 'AppStopped':
      return { ...state, stopped: true };
    case 'AppStarted':
      return { ...state, stopped: false };
    case 'RolloutCancelRequested':
      return {
        ...state,
        rolloutCancels: [...state.rolloutCancels, event.data.rolloutId].slice(-CANCELS_KEPT),
      };
    case 'RolloutPromoteRequested': {
      const { rolloutId, step } = event.data;
      return {
        ...state,
        rolloutPromotes: [...state.rolloutPromotes, { rolloutId, step }].slice(-PROMOTES_KEPT),
      };
    }
    case 'DomainAdded':
    case 'DomainUseChanged':
    case 'DomainRemoved':
      return { ...state, ...evolveDomains(state, event) };
    case 'PortAdded':
    case 'PortRemoved':
      return { ...state, ports: evolvePorts(state.ports, event) };
    case 'CronJobSet':
      return { ...state, cronJobs: withCronJob(state.cronJobs, event.data) };
    case 'CronJobRemoved':
      return { ...state, cronJobs: withoutCronJob(state.cronJobs, event.data.job) };
    case 'VolumeAdded':
    case 'VolumeChanged':
    case 'VolumeBackupChanged':
    case 'VolumeRecreated':
    case 'VolumeRemoved':
      return { ...state, volumes: evolveVolumes(state.volumes, event) };
    case 'AppLocked': {
      const { appId: _appId, ...lock } = event.data;
      return { ...state, lock };
    }
    case 'AppUnlocked':
      return { ...state, lock: undefined };
    case 'MaintenanceChanged':
      return { ...state, maintenance: event.data.maintenance ?? undefined };
    case 'LockOverridden':
    case 'FreezeOverridden':
      return state;
    case 'AppDestroyed':
      return { status: 'destroyed', appId: state.appId, name: state.name, teamId: state.teamId };
  }
};

const created = (data: { appId: string; name: string; teamId: string }): ActiveApp => ({
  status: 'active',
  appId: data.appId,
  name: data.name,
  teamId: data.teamId,
  config: {},
  settings: DEFAULT_SETTINGS,
  formation: {},
  ownLimits: {},
  releases: [],
  lastVersion: 0,
  generation: 0,
  generationVersion: 0,
  builds: {},
  domains: [],
  domainUses: {},
  stopped: false,
  rolloutCancels: [],
  rolloutPromotes: [],
  cronJobs: {},
  volumes: {},
});

const withOwnLimits = (
  all: ActiveApp['ownLimits'],
  { process, limits }: { process: string; limits: OwnLimits },
): ActiveApp['ownLimits'] => {
  const others = Object.entries(all).filter(([type]) => type !== process);
  const own = Object.keys(limits).length === 0 ? [] : [[process, limits] as const];
  return Object.fromEntries([...others, ...own].toSorted(([a], [b]) => (a < b ? -1 : 1)));
};

type ReleaseCreated = Extract<AppEvent, { type: 'ReleaseCreated' }>['data'];

const released = (state: ActiveApp, data: ReleaseCreated): ActiveApp => {
  const release: Release = {
    version: data.version,
    generation: data.generation,
    image: data.image,
    buildId: data.buildId,
    processes: data.processes,
    config: state.config,
    rollbackOf: data.rollbackOf,
  };
  return withoutOldBuilds({
    ...state,
    releases: keptReleases(
      [...state.releases, release],
      state.settings.releasesKept,
      data.liveVersion,
    ),
    lastVersion: data.version,
    generation: data.generation,
    generationVersion: data.version,
  });
};

/** The newest ones, and the one that serves: twenty failed deploys must not lose the way back. */
const keptReleases = (
  releases: readonly Release[],
  count: number,
  liveVersion: number | null,
): readonly Release[] =>
  releases.filter((r, i) => i >= releases.length - count || r.version === liveVersion);

const withBuild = (state: ActiveApp, buildId: string, build: RequestedBuild): ActiveApp =>
  withoutOldBuilds({ ...state, builds: { ...state.builds, [buildId]: build } });

const withoutOldBuilds = (state: ActiveApp): ActiveApp => {
  const released = new Set(state.releases.map((release) => release.buildId));
  const all = Object.entries(state.builds);
  const kept = all.filter(([buildId], i) => i >= all.length - BUILDS_KEPT || released.has(buildId));
  return kept.length === all.length ? state : { ...state, builds: Object.fromEntries(kept) };
};

export const withConfig = (
  config: Config,
  set: Readonly<Record<string, string>>,
  unset: readonly string[],
): Config => {
  const gone = new Set(unset);
  const entries = Object.entries({ ...config, ...set }).filter(([key]) => !gone.has(key));
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
};

const definedOf = <T extends object>(partial: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(partial).filter(([, value]) => value !== undefined)) as never;
