import {
  AT_ONCE,
  DEFAULT_SETTINGS,
  limitsOf,
  type KnownInstance,
  type RouteState,
} from '@shiplog/domain';
import type { Container } from '../containers/container-engine.port.js';
import type { DesiredApp } from '../containers/desired.js';
import type { Note, PlanInput } from '../containers/actions.js';
import type { Measured } from '../containers/judge.js';

export const NOW_MS = Date.parse('2026-01-01T12:00:00Z');
export const LIMITS = limitsOf({ settings: DEFAULT_SETTINGS, ownLimits: {} }, 'web');
const STARTED_AT = '2026-01-01T11:59:50.000000000Z';

/** One app at generation 2 with two `web` wanted, from which every example differs a little. */
export const app = (more: Partial<DesiredApp> = {}): DesiredApp => ({
  appId: 'a1',
  status: 'active',
  teamId: 't1',
  settings: DEFAULT_SETTINGS,
  limits: { web: LIMITS, worker: LIMITS },
  resizing: new Set(),
  live: { generation: 2, version: 2, wanted: { web: 2 } },
  target: null,
  strayRollouts: [],
  endedGenerations: [],
  instances: [],
  runs: [],
  cronJobs: {},
  ...more,
});

type Target = NonNullable<DesiredApp['target']>;

export const target = (more: Partial<Target['rollout']> = {}): Target => ({
  generation: 3,
  version: 3,
  wanted: { web: 2 },
  rollout: {
    rolloutId: 'a1-g3',
    generation: 3,
    version: 3,
    fromVersion: 2,
    deadlineMs: NOW_MS + 60_000,
    isCancelAsked: false,
    strategy: AT_ONCE,
    step: 0,
    steppedAtMs: null,
    promotedTo: 0,
    lostImage: null,
    releaseCommand: null,
    ...more,
  },
});

export const instance = (instanceId: string, more: Partial<KnownInstance> = {}): KnownInstance => ({
  status: 'ready',
  instanceId,
  appId: 'a1',
  process: 'web',
  version: 2,
  generation: 2,
  nodeId: 'n1',
  port: 20_000,
  containerPort: 8080,
  protocol: 'http',
  containerId: `c-${instanceId}`,
  restarts: 0,
  startedAt: STARTED_AT,
  wasReady: true,
  retireReason: null,
  lastExit: null,
  ...more,
});

/** An instance of the generation on its way. */
export const fresh = (instanceId: string, more: Partial<KnownInstance> = {}): KnownInstance =>
  instance(instanceId, { generation: 3, version: 3, ...more });

export const scheduled = { status: 'scheduled', containerId: null, wasReady: false } as const;

export const container = (instanceId: string, more: Partial<Container> = {}): Container => ({
  id: `c-${instanceId}`,
  name: instanceId,
  instanceId,
  appId: 'a1',
  status: 'running',
  startedAt: STARTED_AT,
  finishedAt: null,
  exitCode: null,
  oomKilled: false,
  restartCount: 0,
  restartPolicy: 'unless-stopped',
  pid: 100,
  limits: LIMITS,
  ...more,
});

export interface Given {
  readonly app: DesiredApp;
  /** Default: every instance that was started runs. */
  readonly containers?: readonly Container[];
  /** Default: every ready instance is routed by one router. Null: there is no router. */
  readonly routes?: Readonly<Record<string, RouteState>> | null;
  /** Default: an even part of the requests for all. */
  readonly weights?: Readonly<Record<string, number>>;
  readonly measured?: Measured;
  readonly notes?: Readonly<Record<string, Partial<Note>>>;
  readonly busy?: readonly string[];
  readonly scheduleNotBeforeMs?: number;
  readonly dues?: PlanInput['dues'];
}

const NOTE: Note = {
  notBeforeMs: 0,
  shortRuns: 0,
  isHopeless: false,
  retiredSinceMs: null,
  unsized: null,
  killed: false,
};

const allRouted = (instances: readonly KnownInstance[]): Record<string, RouteState> =>
  Object.fromEntries(
    instances.flatMap((i) => (i.status === 'ready' ? [[i.instanceId, 'routed' as const]] : [])),
  );

export const input = (given: Given): PlanInput => {
  const { instances } = given.app;
  const containers =
    given.containers ??
    instances.flatMap((i) => (i.containerId === null ? [] : container(i.instanceId)));
  const routes = given.routes === undefined ? allRouted(instances) : given.routes;
  return {
    app: given.app,
    containers: new Map(containers.map((c) => [c.instanceId ?? '', c])),
    routers:
      routes === null
        ? []
        : [
            {
              routes: new Map(Object.entries(routes)),
              weights: new Map(Object.entries(given.weights ?? {})),
            },
          ],
    notes: new Map(
      Object.entries(given.notes ?? {}).map(([id, note]) => [id, { ...NOTE, ...note }]),
    ),
    busy: new Set(given.busy ?? []),
    scheduleNotBeforeMs: given.scheduleNotBeforeMs ?? 0,
    measured: given.measured ?? null,
    nowMs: NOW_MS,
    ...(given.dues === undefined ? {} : { dues: given.dues }),
  };
};
