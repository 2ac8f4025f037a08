import type { Aggregate, EventsByAggregate } from '@shiplog/events';
import { app, type AppCommand, type AppRejection, type AppState } from './app/index.js';
import {
  backup,
  type BackupCommand,
  type BackupRejection,
  type BackupState,
} from './backup/index.js';
import { build, type BuildCommand, type BuildRejection, type BuildState } from './build/index.js';
import {
  certificate,
  type CertificateCommand,
  type CertificateRejection,
  type CertificateState,
} from './certificate/index.js';
import { https, type HttpsCommand, type HttpsState } from './certificate/https.js';
import type { Decider } from './decider.js';
import { audit, type AuditCommand, type AuditState } from './facts/audit.js';
import { garbage, type GarbageCommand, type GarbageState } from './facts/garbage.js';
import { node, type NodeCommand, type NodeState } from './facts/node.js';
import {
  router,
  type RouterCommand,
  type RouterRejection,
  type RouterState,
} from './facts/router.js';
import {
  freeze,
  type FreezeCommand,
  type FreezeRejection,
  type FreezeState,
} from './freeze/index.js';
import {
  domain,
  type DomainCommand,
  type DomainRejection,
  type DomainState,
} from './identity/domain.js';
import { port, type PortCommand, type PortRejection, type PortState } from './identity/port.js';
import { name, type NameCommand, type NameRejection, type NameState } from './identity/name.js';
import {
  team,
  user,
  type TeamCommand,
  type TeamRejection,
  type TeamState,
  type UserCommand,
  type UserRejection,
  type UserState,
} from './identity/people.js';
import {
  token,
  type TokenCommand,
  type TokenRejection,
  type TokenState,
} from './identity/token.js';
import {
  instance,
  type InstanceCommand,
  type InstanceRejection,
  type InstanceState,
} from './instance/index.js';
import { keys, type KeysCommand, type KeysRejection, type KeysState } from './keys/index.js';
import {
  rollout,
  type RolloutCommand,
  type RolloutRejection,
  type RolloutState,
} from './rollout/index.js';
import { run, type RunCommand, type RunRejection, type RunState } from './run/index.js';
import { volume, type VolumeFactCommand, type VolumeState } from './volume/index.js';

export interface StateByAggregate {
  app: AppState;
  team: TeamState;
  user: UserState;
  token: TokenState;
  name: NameState;
  domain: DomainState;
  port: PortState;
  build: BuildState;
  rollout: RolloutState;
  instance: InstanceState;
  run: RunState;
  volume: VolumeState;
  router: RouterState;
  node: NodeState;
  garbage: GarbageState;
  backup: BackupState;
  keys: KeysState;
  freeze: FreezeState;
  certificate: CertificateState;
  https: HttpsState;
  audit: AuditState;
}

export interface CommandByAggregate {
  app: AppCommand;
  team: TeamCommand;
  user: UserCommand;
  token: TokenCommand;
  name: NameCommand;
  domain: DomainCommand;
  port: PortCommand;
  build: BuildCommand;
  rollout: RolloutCommand;
  instance: InstanceCommand;
  run: RunCommand;
  volume: VolumeFactCommand;
  router: RouterCommand;
  node: NodeCommand;
  garbage: GarbageCommand;
  backup: BackupCommand;
  keys: KeysCommand;
  freeze: FreezeCommand;
  certificate: CertificateCommand;
  https: HttpsCommand;
  audit: AuditCommand;
}

export interface RejectionByAggregate {
  app: AppRejection;
  team: TeamRejection;
  user: UserRejection;
  token: TokenRejection;
  name: NameRejection;
  domain: DomainRejection;
  port: PortRejection;
  build: BuildRejection;
  rollout: RolloutRejection;
  instance: InstanceRejection;
  run: RunRejection;
  volume: never;
  router: RouterRejection;
  node: never;
  garbage: never;
  backup: BackupRejection;
  keys: KeysRejection;
  freeze: FreezeRejection;
  certificate: CertificateRejection;
  https: never;
  audit: never;
}
export type Rejection = RejectionByAggregate[Aggregate];

export type DeciderOf<A extends Aggregate> = Decider<
  StateByAggregate[A],
  CommandByAggregate[A],
  EventsByAggregate[A],
  RejectionByAggregate[A]
>;

export const deciders: { readonly [A in Aggregate]: DeciderOf<A> } = {
  app,
  team,
  user,
  token,
  name,
  domain,
  port,
  build,
  rollout,
  instance,
  run,
  volume,
  router,
  node,
  garbage,
  backup,
  keys,
  freeze,
  certificate,
  https,
  audit,
};

/** The rules of one aggregate, for code that is generic over all of them. */
export const deciderOf = <A extends Aggregate>(aggregate: A): DeciderOf<A> =>
  // Indexing with a type parameter makes the compiler build the union of all deciders, and give up.
  (deciders as Readonly<Record<Aggregate, unknown>>)[aggregate] as DeciderOf<A>;

/** Folds events that belong to this aggregate: the stream they were read from says so. */
export const foldEvents = <A extends Aggregate>(
  aggregate: A,
  state: StateByAggregate[A],
  events: readonly unknown[],
): StateByAggregate[A] => {
  const { evolve }: { evolve: (state: StateByAggregate[A], event: never) => StateByAggregate[A] } =
    deciderOf(aggregate);
  return events.reduce<StateByAggregate[A]>(
    (folded, event) => evolve(folded, event as never),
    state,
  );
};
