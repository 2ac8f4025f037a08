import { portText, useText } from '@shiplog/domain';
import type { Commit, DomainEventUnion } from '@shiplog/events';

/** What somebody asked for, told from the events that came of it. */
export const commandText = ({ events }: Pick<Commit, 'events'>): string => {
  const texts = events.flatMap((event) => textOf(event, events) ?? []);
  return texts.length > 0 ? texts.join(', ') : events.map(({ type }) => type).join(', ');
};

const textOf = (event: DomainEventUnion, all: readonly DomainEventUnion[]): string | undefined => {
  const isRollback = all.some(
    (one) => one.type === 'ReleaseCreated' && one.data.cause === 'rollback',
  );
  switch (event.type) {
    case 'BuildRequested':
      return `deploy ${sourceText(event.data.source)}`;
    case 'ConfigChanged': {
      const { set, unset } = event.data;
      const keys = (name: string, list: readonly string[]): string[] =>
        list.length === 0 ? [] : [`config ${name} ${list.join(' ')}`];
      // A rollback brings config back with it: that is not asked for by itself.
      if (isRollback) return undefined;
      return [...keys('set', Object.keys(set)), ...keys('unset', unset)].join(', ');
    }
    case 'ReleaseCreated':
      return event.data.cause === 'rollback' ? `rollback to v${event.data.rollbackOf}` : undefined;
    case 'FormationScaled': {
      const wanted = Object.entries(event.data.formation).map(([type, n]) => `${type}=${n}`);
      return `scale ${wanted.join(' ')}`;
    }
    case 'HealthCheckChanged':
      return `check ${event.data.process}.${event.data.probe}`;
    case 'SettingsChanged':
      return `settings ${Object.keys(event.data.changes).join(' ')}`;
    case 'TrafficPolicyChanged':
      return `traffic-policy ${Object.keys(event.data.policy).join(' ') || 'unset'}`;
    case 'BasicAuthChanged':
      return basicAuthText(event.data);
    case 'ProcessResized':
      return `resize ${event.data.process}`;
    case 'AppRestarted':
      return all.length === 1 ? 'restart' : undefined;
    case 'AppStopped':
      return 'stop';
    case 'AppStarted':
      return 'start';
    case 'ReleasePromoted':
      return `promote v${event.data.fromVersion} of ${event.data.fromAppId}`;
    case 'RolloutPromoteRequested':
      return `promote ${event.data.rolloutId}`;
    case 'PortAdded':
    case 'PortRemoved':
      return portWords(event);
    case 'CronJobSet':
      return `cron job ${event.data.job} set`;
    case 'CronJobRemoved':
      return `cron job ${event.data.job} removed`;
    case 'VolumeAdded':
      return `volume ${event.data.name} added at ${event.data.path}`;
    case 'VolumeChanged':
      return `volume ${event.data.name} changed`;
    case 'VolumeBackupChanged':
      return `backup of volume ${event.data.name} changed`;
    case 'VolumeRecreated':
      return `volume ${event.data.name} recreated`;
    case 'VolumeRemoved':
    case 'KeptVolumeRemoved':
      return `volume ${event.data.name} removed`;
    case 'AppLocked':
      return 'lock';
    case 'AppUnlocked':
      return 'unlock';
    case 'MaintenanceChanged':
      return `maintenance ${event.data.maintenance === null ? 'off' : 'on'}`;
    case 'LockOverridden':
      return `in spite of the lock of ${event.data.by.name}`;
    case 'FreezeOverridden':
      return `in spite of freeze ${event.data.freeze}`;
    case 'FreezeAdded':
      return `freeze ${event.data.freeze} added`;
    case 'FreezeRemoved':
      return `freeze ${event.data.freeze} removed`;
    case 'CertificateInstalled':
      return `certificate of ${event.data.domain} installed`;
    case 'CertificateRemoved':
      return `certificate of ${event.data.domain} removed`;
    case 'HttpsPolicyChanged':
      return 'https policy';
    case 'DomainAdded':
      return `domain ${event.data.host} added${useText(event.data.use)}`;
    case 'DomainUseChanged':
      return `domain ${event.data.host} changed${useText(event.data.use)}`;
    case 'DomainRemoved':
      return `domain ${event.data.host} removed`;
    default:
      return undefined;
  }
};

type BasicAuthChange = Extract<DomainEventUnion, { type: 'BasicAuthChanged' }>['data'];

const basicAuthText = ({ set, unset, passesHeader }: BasicAuthChange): string => {
  const words = [...Object.keys(set).map((user) => `+${user}`), ...unset.map((u) => `-${u}`)];
  const header = passesHeader === null ? [] : [`header ${passesHeader ? 'pass' : 'strip'}`];
  return `basic-auth ${[...words, ...header].join(' ')}`;
};

type Source = Extract<DomainEventUnion, { type: 'BuildRequested' }>['data']['source'];

const sourceText = (source: Source): string => {
  if (source.kind === 'image') return `image ${source.ref}`;
  const place = [source.branch, source.commit?.slice(0, 12)].filter((part) => part != null);
  return source.via === 'git' ? `git ${place.join(' ')}` : 'upload';
};

const portWords = (
  event: Extract<DomainEventUnion, { type: 'PortAdded' | 'PortRemoved' }>,
): string =>
  event.type === 'PortAdded'
    ? `port ${event.data.port} added, to ${portText(event.data)}`
    : `port ${event.data.port} removed`;
