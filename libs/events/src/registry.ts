import { appEvent, type AppEvent } from './app.js';
import { backupEvent, type BackupEvent } from './backup.js';
import {
  certificateEvent,
  httpsEvent,
  type CertificateEvent,
  type HttpsEvent,
} from './certificates.js';
import { auditEvent, type AuditEvent } from './audit.js';
import {
  buildEvent,
  garbageEvent,
  instanceEvent,
  nodeEvent,
  rolloutEvent,
  routerEvent,
  type BuildEvent,
  type GarbageEvent,
  type InstanceEvent,
  type NodeEvent,
  type RolloutEvent,
  type RouterEvent,
} from './facts.js';
import {
  domainEvent,
  nameEvent,
  teamEvent,
  tokenEvent,
  userEvent,
  type DomainEvent,
  type NameEvent,
  type TeamEvent,
  type TokenEvent,
  type UserEvent,
} from './identity.js';
import { freezeEvent, type FreezeEvent } from './gates.js';
import { keysEvent, type KeysEvent } from './keys.js';
import { portEvent, type PortEvent } from './ports.js';
import { runEvent, type RunEvent } from './run.js';
import { volumeEvent, type VolumeEvent } from './volume.js';

/** Every aggregate, the events of its stream, and so the whole vocabulary of the log. */
export interface EventsByAggregate {
  app: AppEvent;
  team: TeamEvent;
  user: UserEvent;
  token: TokenEvent;
  name: NameEvent;
  domain: DomainEvent;
  port: PortEvent;
  build: BuildEvent;
  rollout: RolloutEvent;
  instance: InstanceEvent;
  run: RunEvent;
  volume: VolumeEvent;
  router: RouterEvent;
  node: NodeEvent;
  garbage: GarbageEvent;
  backup: BackupEvent;
  keys: KeysEvent;
  freeze: FreezeEvent;
  certificate: CertificateEvent;
  https: HttpsEvent;
  audit: AuditEvent;
}
export type Aggregate = keyof EventsByAggregate;
export type DomainEventUnion = EventsByAggregate[Aggregate];

export const schemaByAggregate = {
  app: appEvent,
  team: teamEvent,
  user: userEvent,
  token: tokenEvent,
  name: nameEvent,
  domain: domainEvent,
  port: portEvent,
  build: buildEvent,
  rollout: rolloutEvent,
  instance: instanceEvent,
  run: runEvent,
  volume: volumeEvent,
  router: routerEvent,
  node: nodeEvent,
  garbage: garbageEvent,
  backup: backupEvent,
  keys: keysEvent,
  freeze: freezeEvent,
  certificate: certificateEvent,
  https: httpsEvent,
  audit: auditEvent,
} as const;

export const AGGREGATES = Object.keys(schemaByAggregate) as readonly Aggregate[];

/** The process that alone may write the streams of an aggregate (NATS permissions follow this table). */
export const WRITER_OF: Readonly<Record<Aggregate, ProcessName>> = {
  app: 'api',
  team: 'api',
  user: 'api',
  token: 'api',
  name: 'api',
  domain: 'api',
  port: 'api',
  build: 'builder',
  rollout: 'deployer',
  instance: 'deployer',
  run: 'deployer',
  volume: 'deployer',
  router: 'router-sync',
  node: 'monitor-agent',
  garbage: 'gc',
  backup: 'backup',
  keys: 'api',
  freeze: 'api',
  certificate: 'api',
  https: 'api',
  audit: 'api',
};
export type ProcessName =
  | 'api'
  | 'builder'
  | 'deployer'
  | 'router-sync'
  | 'gc'
  | 'monitor-agent'
  | 'backup'
  | 'provisioner';

export type StreamName = `${Aggregate}.${string}`;
export const streamName = (aggregate: Aggregate, id: string): StreamName => `${aggregate}.${id}`;
export const aggregateOf = (stream: StreamName): Aggregate =>
  stream.slice(0, stream.indexOf('.')) as Aggregate;
export const idOf = (stream: StreamName): string => stream.slice(stream.indexOf('.') + 1);
