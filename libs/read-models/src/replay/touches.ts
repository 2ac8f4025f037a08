import { LIMITS, TRAFFIC_PARTS } from '@shiplog/domain';
import type { DomainEventUnion } from '@shiplog/events';

/** Keys of the facts that an event may make, change or take away. */
export const touchesOf = (event: DomainEventUnion): readonly string[] =>
  event.type === 'BasicAuthChanged' ? touchesOfBasicAuth(event.data) : touchesOfOthers(event);

const touchesOfBasicAuth = ({
  appId,
  set,
  unset,
  passesHeader,
}: Extract<DomainEventUnion, { type: 'BasicAuthChanged' }>['data']): readonly string[] => [
  ...[...Object.keys(set), ...unset].map((user) => `setting:${appId}:basic-auth.${user}`),
  ...(passesHeader === null ? [] : [`setting:${appId}:basic-auth header`]),
];

const touchesOfOthers = (event: DomainEventUnion): readonly string[] => {
  switch (event.type) {
    case 'AppCreated':
    case 'AppStopped':
    case 'AppStarted':
    case 'AppDestroyed':
      return [`app:${event.data.appId}`];
    case 'ConfigChanged':
      return configOf(event.data);
    case 'SettingsChanged': {
      const { appId, changes } = event.data;
      return Object.keys(changes).map((key) => `setting:${appId}:${key}`);
    }
    case 'HealthCheckChanged': {
      const { appId, process, probe } = event.data;
      return [`setting:${appId}:${process}.${probe}`];
    }
    case 'ProcessResized': {
      const { appId, process } = event.data;
      return LIMITS.map((field) => `setting:${appId}:${process}.${field}`);
    }
    case 'TrafficPolicyChanged': {
      const { appId } = event.data;
      return TRAFFIC_PARTS.map((part) => `setting:${appId}:traffic.${part}`);
    }
    case 'FormationScaled': {
      const { appId, formation } = event.data;
      return Object.keys(formation).map((process) => `formation:${appId}:${process}`);
    }
    case 'DomainAdded':
    case 'DomainUseChanged':
    case 'DomainRemoved':
      return [`domain:${event.data.appId}:${event.data.host}`];
    case 'CronJobSet':
    case 'CronJobRemoved':
      return [`cron:${event.data.appId}:${event.data.job}`];
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
      return [`volume:${event.data.appId}:${event.data.volumeId}`];
    case 'AppLocked':
    case 'AppUnlocked':
      return [`lock:${event.data.appId}`];
    case 'MaintenanceChanged':
      return [`maintenance:${event.data.appId}`];
    case 'RolloutCompleted':
      return [releaseOf(event.data), `live:${event.data.appId}`];
    case 'ReleaseCreated':
    case 'RolloutStarted':
    case 'RolloutFailed':
    case 'RolloutCancelled':
      return [releaseOf(event.data)];
    case 'InstanceScheduled':
    case 'InstanceStarted':
    case 'InstanceReady':
    case 'InstanceUnready':
    case 'InstanceExited':
    case 'InstanceResized':
    case 'InstanceResizeRefused':
    case 'InstanceSignalled':
    case 'InstanceRetired':
    case 'InstanceStopped':
      return [`instance:${event.data.instanceId}`];
    case 'RoutesApplied': {
      const { routerId, routed, unrouted, drained } = event.data;
      return [...routed, ...unrouted, ...drained].map((id) => `route:${routerId}:${id}`);
    }
    case 'RouterRemoved':
      return [allRoutesOf(event.data.routerId)];
    case 'TokenCreated':
    case 'TokenRevoked':
      return [`token:${event.data.tokenId}`];
    case 'UserCreated':
      return [`person:${event.data.userId}`];
    case 'TeamCreated':
      return [`team:${event.data.teamId}`];
    case 'TeamMemberAdded':
      return [`member:${event.data.teamId}:${event.data.userId}`];
    default:
      return portOf(event);
  }
};

const configOf = ({
  appId,
  set,
  unset,
}: Extract<DomainEventUnion, { type: 'ConfigChanged' }>['data']): readonly string[] =>
  [...Object.keys(set), ...unset].map((key) => `config:${appId}:${key}`);

/**
 * What takes a fact away together with the thing around it, whose event does not name it: the app of a
 * key, the router of a route.
 */
export const aroundOf = (key: string): string | undefined => {
  const [kind, owner = ''] = key.split(':');
  if (kind === 'route') return allRoutesOf(owner);
  const isOfApp = [
    'live',
    'lock',
    'maintenance',
    'config',
    'setting',
    'formation',
    'domain',
    'port',
    'cron',
    'volume',
    'release',
  ].includes(kind ?? '');
  return isOfApp ? `app:${owner}` : undefined;
};

const portOf = ({ type, data }: DomainEventUnion): readonly string[] =>
  type === 'PortAdded' || type === 'PortRemoved' ? [`port:${data.appId}:${data.port}`] : [];

const allRoutesOf = (routerId: string): string => `route:${routerId}`;

const releaseOf = ({ appId, version }: { appId: string; version: number }): string =>
  `release:${appId}:${version}`;
