import { checkText, portText, trafficText, useText } from '@shiplog/domain';
import type { DomainEventUnion, RecordedCommit } from '@shiplog/events';
import type { z } from 'zod';
import { endText } from '../progress/steps.js';
import type { logLine } from './instances.routes.js';

type LogLine = z.infer<typeof logLine>;

/** What the platform did for an app, a line for each event, in words. */
export const operationLines = (record: RecordedCommit, appId: string): LogLine[] =>
  record.commit.events.flatMap((event) => {
    if (!('appId' in event.data) || event.data.appId !== appId) return [];
    const { actor, reason, time } = record.commit;
    const why = reason === null ? '' : ` (${reason})`;
    const text = `${event.type}${detailOf(event)} by ${actor.name}${why}`;
    const instance = subjectOf(event);
    return [{ time, instance, process: '', stream: 'event', text }];
  });

/** Why instances did not start or ended: the lines they left behind. */
export const startLines = (record: RecordedCommit, appId: string): LogLine[] =>
  record.commit.events.flatMap((event) => {
    const { time } = record.commit;
    if (event.type === 'InstanceExited' && event.data.appId === appId) {
      const { instanceId: instance, logLines, exitCode, oomKilled } = event.data;
      const how = oomKilled ? 'out of memory' : `exit code ${exitCode ?? 'unknown'}`;
      const line = (stream: LogLine['stream'], text: string): LogLine => {
        return { time, instance, process: '', stream, text };
      };
      return [...logLines.map((text) => line('stderr', text)), line('event', `exited: ${how}`)];
    }
    if (event.type === 'RolloutFailed' && event.data.appId === appId) {
      const { explanation, version } = event.data;
      const instance = explanation.instanceId ?? '';
      const text = [`v${version} failed: ${explanation.summary}`, explanation.remedy]
        .filter((part) => part !== null)
        .join(' — ');
      return [{ time, instance, process: '', stream: 'event', text }];
    }
    return [];
  });

const subjectOf = ({ data }: DomainEventUnion): string => {
  if ('instanceId' in data) return data.instanceId;
  return 'runId' in data ? data.runId : '';
};

const detailOf = (event: DomainEventUnion): string => {
  if (event.type === 'TrafficPolicyChanged') return ` ${trafficText(event.data.policy)}`;
  if (event.type !== 'ConfigChanged' && event.type !== 'BasicAuthChanged')
    return plainDetailOf(event);
  const { set, unset } = event.data;
  return ` ${[...Object.keys(set), ...unset.map((name) => `-${name}`)].join(' ')}`;
};

const plainDetailOf = (event: DomainEventUnion): string => {
  switch (event.type) {
    case 'ReleaseCreated':
    case 'RolloutStarted':
    case 'RolloutCompleted':
      return ` v${event.data.version}`;
    case 'RolloutStepped':
      return ` v${event.data.version}: step ${event.data.step}, ${event.data.percent}%`;
    case 'RolloutFailed':
      return ` v${event.data.version}: ${event.data.explanation.summary}`;
    case 'BuildFailed':
      return ` ${event.data.buildId}: ${event.data.explanation.summary}`;
    case 'BuildRequested':
    case 'BuildStarted':
    case 'BuildSucceeded':
      return ` ${event.data.buildId}`;
    case 'FormationScaled':
      return ` ${Object.entries(event.data.formation)
        .map(([type, n]) => `${type}=${n}`)
        .join(' ')}`;
    case 'ProcessResized':
      return ` ${event.data.process}`;
    case 'InstanceResized':
      return event.data.cause === 'drift' ? ' (somebody else had changed its limits)' : '';
    case 'InstanceResizeRefused':
      return `: ${event.data.summary}`;
    case 'DomainAdded':
    case 'DomainUseChanged':
      return ` ${event.data.host}${useText(event.data.use)}`;
    case 'DomainRemoved':
      return ` ${event.data.host}`;
    case 'InstanceScheduled':
      return ` ${event.data.process} v${event.data.version}`;
    case 'InstanceExited':
      return event.data.oomKilled
        ? ' out of memory'
        : ` exit code ${event.data.exitCode ?? 'unknown'}`;
    case 'InstanceUnready':
      return ` ${event.data.cause}: ${event.data.got}`;
    case 'InstanceCheckPassed':
      return ` ${event.data.check}`;
    case 'HealthCheckChanged':
      return ` ${event.data.process}.${event.data.probe} ${checkText(event.data.check ?? undefined)}`;
    case 'InstanceSignalled':
      return ` ${event.data.signal}`;
    case 'RunScheduled':
      return ` ${event.data.job ?? event.data.kind} v${event.data.version}`;
    case 'RunStopping':
      return ` ${event.data.cause}`;
    case 'RunEnded':
      return ` ${endText(event.data)}`;
    case 'CronJobSet':
      return ` ${event.data.job} "${event.data.schedule}" ${event.data.timeZone}`;
    case 'CronJobRemoved':
      return ` ${event.data.job}`;
    case 'VolumeAdded':
    case 'VolumeChanged':
      return ` ${event.data.name} ${event.data.path}`;
    case 'VolumeBackupChanged':
    case 'VolumeRecreated':
    case 'VolumeRemoved':
    case 'VolumeCreated':
      return ` ${event.data.name}`;
    case 'VolumeMissing':
    case 'VolumeFound':
    case 'VolumeDeleted':
      return ` ${event.data.volumeId}`;
    case 'VolumeAboveSize':
    case 'VolumeWithinSize':
      return ` ${event.data.volumeId}: ${event.data.usedBytes} of ${event.data.sizeBytes} bytes`;
    case 'AppLocked':
      return `${event.data.until === null ? '' : ` until ${event.data.until}`}: ${event.data.why}`;
    case 'MaintenanceChanged':
      return maintenanceText(event.data.maintenance);
    case 'LockOverridden':
      return ` of ${event.data.by.name}: ${event.data.why}`;
    case 'FreezeAdded':
    case 'FreezeRemoved':
    case 'FreezeOverridden':
      return ` ${event.data.freeze}`;
    case 'InstanceRetired':
      return ` ${event.data.reason}`;
    default:
      return portWords(event);
  }
};

const portWords = (event: DomainEventUnion): string => {
  if (event.type === 'PortAdded') return ` ${event.data.port} to ${portText(event.data)}`;
  return event.type === 'PortRemoved' ? ` ${event.data.port}` : '';
};

const maintenanceText = (maintenance: { readonly why: string | null } | null): string => {
  if (maintenance === null) return ': off';
  return `: on${maintenance.why === null ? '' : `: ${maintenance.why}`}`;
};
