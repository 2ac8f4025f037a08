import type {
  ChecksRequest,
  DomainUse,
  Formation,
  Image,
  OwnLimits,
  ProcessSpec,
  Settings,
  Source,
  TrafficPolicy,
} from '@shiplog/events';
import type { CheckRejection } from './change-checks.js';
import type { PortCommand, PortRejection } from './decide-ports.js';
import type { KnownCronJob } from './cron-jobs.js';
import type { Lock, LockHeld } from './lock.js';
import type { MaintenanceCommand } from './maintenance.js';
import type { ReservationAboveLimit } from './resources.js';
import type { VolumeCommand, VolumeRejection } from './decide-volumes.js';

/** A freeze window that is open. */
export interface FrozenBy {
  readonly freeze: string;
  readonly ofPlatform: boolean;
  readonly until: string;
  readonly why: string | null;
}

/** What stands in the way of releases at the time of a command, and what its sender puts aside of it. */
export interface Gate {
  readonly at: string;
  readonly frozen: readonly FrozenBy[];
  readonly overrides: { readonly lock: boolean; readonly freeze: boolean };
  readonly isAdministrator: boolean;
}

/** `baseVersion`: the release whose image goes on: the live one, or the newest where none is live yet. */
export type AppCommand = AppChange & {
  /** What may stand in its way; absent: a process carries on what was let through before. */
  readonly gate?: Gate | undefined;
};

type AppChange =
  | { type: 'CreateApp'; appId: string; name: string; teamId: string }
  | {
      type: 'ChangeConfig';
      set: Readonly<Record<string, string>>;
      unset: readonly string[];
      baseVersion: number | null;
    }
  | {
      type: 'ChangeSettings';
      changes: Partial<Settings>;
      /** Health checks: what is named is replaced; null brings the default back. */
      checks?: ChecksRequest | undefined;
      baseVersion: number | null;
    }
  | {
      type: 'ResizeProcess';
      process: string;
      set: OwnLimits;
      /** Limits that are those of the app again. */
      unset: readonly (keyof OwnLimits)[];
    }
  | {
      type: 'ChangeTrafficPolicy';
      set: TrafficPolicy;
      /** Parts that are as for every app again. */
      unset: readonly (keyof TrafficPolicy)[];
    }
  | {
      type: 'ChangeBasicAuth';
      /** By name: a hash of the password, encrypted. */
      set: Readonly<Record<string, string>>;
      unset: readonly string[];
      /** Absent: as before. */
      passesHeader?: boolean | undefined;
      /** May the last name go, so that everyone reaches the app? */
      opens: boolean;
    }
  | { type: 'RequestBuild'; buildId: string; source: Source }
  | { type: 'CancelBuild'; buildId: string }
  | {
      type: 'CreateRelease';
      image: Image;
      buildId: string;
      processes: Readonly<Record<string, ProcessSpec>>;
      cause: 'build' | 'image';
      liveVersion: number | null;
    }
  | {
      type: 'PromoteRelease';
      from: {
        readonly appId: string;
        readonly version: number;
        readonly commit: string | null;
        readonly branch: string | null;
      };
      image: Image;
      processes: Readonly<Record<string, ProcessSpec>>;
      liveVersion: number | null;
    }
  | { type: 'RollBack'; version: number; liveVersion: number | null }
  | { type: 'Scale'; formation: Formation }
  | { type: 'Restart'; baseVersion: number | null }
  | { type: 'StopApp' }
  | { type: 'StartApp' }
  | { type: 'CancelRollout'; rolloutId: string }
  | { type: 'PromoteRollout'; rolloutId: string; step: number }
  | {
      type: 'AddDomain';
      /** A domain, see `parseDomain`. */
      host: string;
      /** Absent: as it is, or served plainly. */
      use?: DomainUse;
      sisters?: readonly { host: string; use: DomainUse }[];
    }
  | { type: 'RemoveDomain'; host: string }
  | ({ type: 'SetCronJob'; job: string } & KnownCronJob)
  | { type: 'RemoveCronJob'; job: string }
  | ({ type: 'LockApp' } & Lock)
  /** `at`: when it is asked for. */
  | { type: 'UnlockApp'; at: string }
  | PortCommand
  | MaintenanceCommand
  | VolumeCommand
  /** Without `removesVolumes` they are kept, with what is in them. */
  | { type: 'DestroyApp'; confirm: string; removesVolumes?: boolean };

export type GateRejection =
  | ({ readonly code: 'app-locked' } & Lock)
  | ({
      readonly code: 'releases-frozen';
      /** Only an administrator puts this one aside. */
      readonly needsAdministrator: boolean;
    } & FrozenBy);

export type AppRejection =
  | { code: 'app-not-found' }
  | { code: 'app-already-exists'; name: string }
  | { code: 'app-destroyed'; name: string }
  | { code: 'build-not-found'; buildId: string }
  | { code: 'release-not-found'; version: number; kept: readonly number[] }
  | { code: 'release-already-live'; version: number }
  | { code: 'nothing-deployed' }
  | { code: 'instance-count-above-limit'; processType: string; requested: number; limit: number }
  | ReservationAboveLimit
  | { code: 'process-runs-once'; processType: string; requested: number }
  | { code: 'config-key-not-set'; key: string }
  | { code: 'config-too-large'; bytes: number; limit: number }
  | CheckRejection
  | VolumeRejection
  | { code: 'basic-auth-user-not-found'; user: string; known: readonly string[] }
  | { code: 'too-many-basic-auth-users'; limit: number }
  | { code: 'basic-auth-would-end' }
  | { code: 'domain-not-on-app'; host: string }
  | { code: 'too-many-domains'; limit: number }
  | { code: 'cron-job-not-found'; job: string; known: readonly string[] }
  | PortRejection
  | { code: 'too-many-cron-jobs'; limit: number }
  | GateRejection
  | LockHeld
  | { code: 'canary-without-requests'; steps: string };
