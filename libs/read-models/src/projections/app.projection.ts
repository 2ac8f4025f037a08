import {
  DEFAULT_SETTINGS,
  evolvePorts,
  OPEN_TO_ALL,
  withBasicAuth,
  withCheck,
} from '@shiplog/domain';
import type { AppDocument } from '../documents.js';
import { evolveVolumeDocuments, VOLUME_EVENTS } from './app-volumes.js';
import { defineProjection, type Envelope, type EventNamed } from '../projection.js';

const EVENTS = [
  'AppCreated',
  'ConfigChanged',
  'SettingsChanged',
  'HealthCheckChanged',
  'TrafficPolicyChanged',
  'BasicAuthChanged',
  'BuildRequested',
  'BuildCancelRequested',
  'ReleaseCreated',
  'FormationScaled',
  'ProcessResized',
  'AppRestarted',
  'AppStopped',
  'AppStarted',
  'RolloutCancelRequested',
  'RolloutPromoteRequested',
  'ReleasePromoted',
  'DomainAdded',
  'DomainRemoved',
  'PortAdded',
  'PortRemoved',
  'CronJobSet',
  'CronJobRemoved',
  ...VOLUME_EVENTS,
  'AppLocked',
  'AppUnlocked',
  'MaintenanceChanged',
  'LockOverridden',
  'FreezeOverridden',
  'AppDestroyed',
  'RolloutCompleted',
  'RolloutFailed',
  'RolloutCancelled',
] as const;
type AppModelEvent = EventNamed<(typeof EVENTS)[number]>;

export const appProjection = defineProjection({
  model: 'apps',
  version: 8,
  events: EVENTS,
  indexed: ['teamId', 'name'],
  needs: ({ type, data: { appId } }) =>
    type === 'AppCreated' ? { fresh: [appId] } : { documents: [appId] },
  evolve: (rows, event, at) => {
    const { appId } = event.data;
    if (event.type === 'AppCreated') return rows.replace(appId, created(event.data, at));
    const app = rows.document(appId);
    if (app === undefined || app.status === 'destroyed') return;
    const changed = evolveKnown(app, event, at);
    // Facts about the app lie on other streams: they do not move its own end.
    rows.put(
      appId,
      at.aggregate === 'app'
        ? { ...changed, updatedAt: at.time, updatedBy: at.by, revision: at.revision }
        : changed,
    );
  },
  columns: ({ appId, teamId, status, name }) => ({ appId, teamId, status, name }),
});

const created = (
  { appId, name, teamId }: { appId: string; name: string; teamId: string },
  at: Envelope,
): AppDocument => ({
  appId,
  name,
  teamId,
  status: 'active',
  stopped: false,
  formation: {},
  settings: DEFAULT_SETTINGS,
  checks: {},
  ownLimits: {},
  traffic: {},
  basicAuth: OPEN_TO_ALL,
  domains: [],
  ports: {},
  cronJobs: [],
  volumes: [],
  lock: null,
  maintenance: null,
  config: {},
  lastVersion: 0,
  generation: 0,
  liveVersion: null,
  liveGeneration: null,
  targetVersion: null,
  createdAt: at.time,
  createdBy: at.by,
  updatedAt: at.time,
  updatedBy: at.by,
  destroyedAt: null,
  revision: at.revision,
});

const evolveKnown = (
  app: AppDocument,
  event: Exclude<AppModelEvent, { type: 'AppCreated' }>,
  at: Envelope,
): AppDocument => {
  switch (event.type) {
    case 'ConfigChanged':
      return { ...app, config: withConfig(app.config, event.data.set, event.data.unset) };
    case 'SettingsChanged':
      return { ...app, settings: { ...app.settings, ...event.data.changes } };
    case 'HealthCheckChanged':
      return { ...app, checks: withCheck(app.checks, event.data) };
    case 'TrafficPolicyChanged':
      return { ...app, traffic: event.data.policy };
    case 'BasicAuthChanged':
      return { ...app, basicAuth: withBasicAuth(app.basicAuth, event.data) };
    case 'ReleaseCreated': {
      const { version, generation } = event.data;
      return { ...app, lastVersion: version, generation, targetVersion: version };
    }
    case 'AppRestarted':
      return { ...app, generation: event.data.generation, targetVersion: event.data.version };
    case 'FormationScaled':
      return { ...app, formation: { ...app.formation, ...event.data.formation } };
    case 'ProcessResized': {
      const { process, limits } = event.data;
      return { ...app, ownLimits: { ...app.ownLimits, [process]: limits } };
    }
    case 'AppStopped':
      return { ...app, stopped: true };
    case 'AppStarted':
      return { ...app, stopped: false };
    case 'DomainAdded':
      return { ...app, domains: [...new Set([...app.domains, event.data.host])].toSorted() };
    case 'DomainRemoved':
      return { ...app, domains: app.domains.filter((host) => host !== event.data.host) };
    case 'PortAdded':
    case 'PortRemoved':
      return { ...app, ports: evolvePorts(app.ports, event) };
    case 'CronJobSet': {
      const { appId: _appId, ...job } = event.data;
      const others = app.cronJobs.filter((one) => one.job !== job.job);
      return { ...app, cronJobs: [...others, job].toSorted((a, b) => (a.job < b.job ? -1 : 1)) };
    }
    case 'CronJobRemoved':
      return { ...app, cronJobs: app.cronJobs.filter(({ job }) => job !== event.data.job) };
    case 'VolumeAdded':
    case 'VolumeChanged':
    case 'VolumeBackupChanged':
    case 'VolumeRecreated':
    case 'VolumeRemoved':
    case 'VolumeCreated':
    case 'VolumeMissing':
    case 'VolumeFound':
    case 'VolumeAboveSize':
    case 'VolumeWithinSize':
    case 'VolumeDeleted':
      return { ...app, volumes: evolveVolumeDocuments(app.volumes, event) };
    case 'AppLocked': {
      const { appId: _appId, ...lock } = event.data;
      return { ...app, lock };
    }
    case 'AppUnlocked':
      return { ...app, lock: null };
    case 'MaintenanceChanged':
      return { ...app, maintenance: event.data.maintenance };
    case 'RolloutCompleted': {
      const { version, generation } = event.data;
      return {
        ...withoutTarget(app, generation),
        liveVersion: version,
        liveGeneration: generation,
      };
    }
    case 'RolloutFailed':
    case 'RolloutCancelled':
      return withoutTarget(app, event.data.generation);
    case 'AppDestroyed':
      return destroyed(app, at);
    case 'BuildRequested':
    case 'BuildCancelRequested':
    case 'RolloutCancelRequested':
    case 'RolloutPromoteRequested':
    case 'ReleasePromoted':
    case 'LockOverridden':
    case 'FreezeOverridden':
      return app;
  }
};

/** An older generation that ended says nothing about the newer one on its way. */
const withoutTarget = (app: AppDocument, generation: number): AppDocument =>
  generation === app.generation ? { ...app, targetVersion: null } : app;

const destroyed = (app: AppDocument, at: Envelope): AppDocument => ({
  ...app,
  status: 'destroyed',
  config: {},
  basicAuth: OPEN_TO_ALL,
  domains: [],
  ports: {},
  cronJobs: [],
  volumes: [],
  lock: null,
  maintenance: null,
  liveVersion: null,
  liveGeneration: null,
  targetVersion: null,
  destroyedAt: at.time,
});

const withConfig = (
  config: AppDocument['config'],
  set: Readonly<Record<string, string>>,
  unset: readonly string[],
): AppDocument['config'] => {
  const gone = new Set(unset);
  return Object.fromEntries(
    Object.entries({ ...config, ...set })
      .filter(([key]) => !gone.has(key))
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
};
