import type {
  BasicAuth,
  DomainProof,
  KnownCronJob,
  KnownVolume,
  Lock,
  Ports,
} from '@shiplog/domain';
import type {
  Checks,
  DomainUse,
  Explanation,
  Formation,
  GarbageEvent,
  Image,
  InstanceEvent,
  NodeEvent,
  Position,
  ProcessSpec,
  Revision,
  Maintenance,
  RolloutEvent,
  RolloutStrategy,
  Limits,
  OwnLimits,
  RunEvent,
  Settings,
  TrafficPolicy,
  Source,
  TokenScope,
} from '@shiplog/events';

/**
 * What queries answer with. Everything in a document comes from the log: equal logs give equal
 * documents, on any machine, at any time. Times are ISO 8601 in UTC, as in the commits; what is not
 * known (yet) is null, never absent. `…By` is the name of whoever asked.
 */

export interface AppDocument {
  readonly appId: string;
  readonly name: string;
  readonly teamId: string;
  readonly status: 'active' | 'destroyed';
  readonly stopped: boolean;
  /** Instances wanted per process type. */
  readonly formation: Formation;
  readonly settings: Settings;
  /** Health checks that are not the default ones. */
  readonly checks: Checks;
  /** Limits that process types have otherwise than the app. */
  readonly ownLimits: Readonly<Record<string, OwnLimits>>;
  /** What the router does with its requests; empty: as for every app. */
  readonly traffic: TrafficPolicy;
  /** Who may send it requests; passwords are hashed, and encrypted as config is. */
  readonly basicAuth: BasicAuth;
  /** Custom hosts, ascending. */
  readonly domains: readonly string[];
  /** By number: ports of the routers that lead to its processes. */
  readonly ports: Ports;
  readonly cronJobs: readonly CronJobDocument[];
  /** By name. */
  readonly volumes: readonly VolumeDocument[];
  /** Also one that ended by itself. */
  readonly lock: Lock | null;
  readonly maintenance: Maintenance | null;
  /** Encrypted as in the log: the api decrypts. */
  readonly config: Readonly<Record<string, string>>;
  /** Version of the newest release; 0 before the first. */
  readonly lastVersion: number;
  /** Counts what was to be rolled out: releases, restarts, changed settings. */
  readonly generation: number;
  /** The release that serves; null before the first rollout completed. */
  readonly liveVersion: number | null;
  readonly liveGeneration: number | null;
  /** The release on its way; null when there is nothing to roll out. */
  readonly targetVersion: number | null;
  readonly createdAt: string;
  readonly createdBy: string;
  /** Last commit on the app's own stream. */
  readonly updatedAt: string;
  readonly updatedBy: string;
  readonly destroyedAt: string | null;
  /** End of the app's own stream: for `ETag` and `If-Match`. */
  readonly revision: Revision;
}

export type ReleaseStateName =
  'pending' | 'rolling-out' | 'live' | 'superseded' | 'failed' | 'cancelled';

export interface ReleaseDocument {
  readonly appId: string;
  readonly version: number;
  readonly generation: number;
  readonly image: Image;
  readonly buildId: string | null;
  readonly processes: Readonly<Record<string, ProcessSpec>>;
  readonly rollbackOf: number | null;
  readonly cause: 'build' | 'image' | 'config' | 'rollback';
  readonly state: ReleaseStateName;
  /** The git commit its image was built from. */
  readonly commit: string | null;
  readonly branch: string | null;
  /** The release of another app whose image it has. */
  readonly promotedFrom: { readonly appId: string; readonly version: number } | null;
  /** Config keys changed since the release before it. */
  readonly configChanges: { readonly set: readonly string[]; readonly unset: readonly string[] };
  readonly createdAt: string;
  /** The person who pushed, where the release was cut by a process. */
  readonly createdBy: string;
  readonly reason: string | null;
  /** When it first served. */
  readonly liveAt: string | null;
  /** Why its last rollout failed. */
  readonly explanation: Explanation | null;
}

export interface BuildDocument {
  readonly buildId: string;
  readonly appId: string;
  readonly source: Source;
  readonly status: 'requested' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  readonly cancelRequested: boolean;
  /** Where to find the image today: a rebuilt image may have another id than at first. */
  readonly image: Image | null;
  readonly stack: 'dockerfile' | 'node' | 'image' | null;
  readonly processes: Readonly<Record<string, ProcessSpec>> | null;
  /** Release cut from it. */
  readonly version: number | null;
  readonly requestedAt: string;
  readonly requestedBy: string;
  readonly reason: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly durationMs: number | null;
  /** Why it failed, or why its image is gone. */
  readonly explanation: Explanation | null;
}

export interface DeployDocument {
  /** Id of the rollout: known before it starts. */
  readonly deployId: string;
  readonly appId: string;
  readonly generation: number;
  readonly version: number;
  readonly fromVersion: number | null;
  /** `pending`: wanted, not started yet. */
  readonly status: 'pending' | 'running' | 'completed' | 'failed' | 'cancelled';
  readonly cause: 'build' | 'image' | 'config' | 'rollback' | 'restart';
  readonly buildId: string | null;
  readonly cancelRequested: boolean;
  readonly cancelCause: Extract<RolloutEvent, { type: 'RolloutCancelled' }>['data']['cause'] | null;
  readonly requestedAt: string;
  readonly requestedBy: string;
  readonly reason: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly deadline: string | null;
  readonly explanation: Explanation | null;
  /** Null before it started. */
  readonly strategy: RolloutStrategy['kind'] | null;
  /** Steps it has reached. */
  readonly step: number;
  /** What the newest step gave to the new instances: of the instances (rolling), else of the requests. */
  readonly percent: number | null;
}

export interface InstanceExit {
  readonly at: string;
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  readonly logLines: readonly string[];
}

export interface InstanceDocument {
  readonly id: string;
  readonly appId: string;
  readonly process: string;
  /** Its release. */
  readonly version: number;
  readonly generation: number;
  readonly state: 'scheduled' | 'starting' | 'ready' | 'unready' | 'exited' | 'retired' | 'stopped';
  readonly nodeId: string;
  /** Host port on 127.0.0.1. */
  readonly port: number | null;
  readonly containerPort: number | null;
  /** IPv4, its own in its team's network. */
  readonly address: string | null;
  readonly containerId: string | null;
  readonly restarts: number;
  readonly scheduledAt: string;
  readonly startedAt: string | null;
  readonly readyAt: string | null;
  /** While it is unready: since when and why. */
  readonly unready: {
    readonly at: string;
    readonly cause: Extract<InstanceEvent, { type: 'InstanceUnready' }>['data']['cause'];
    readonly check: string;
    readonly got: string;
  } | null;
  readonly retiredAt: string | null;
  readonly stoppedAt: string | null;
  readonly retireReason:
    Extract<InstanceEvent, { type: 'InstanceRetired' }>['data']['reason'] | null;
  /** The newest five ends, oldest first. */
  readonly exits: readonly InstanceExit[];
  /** How it was stopped in the end. */
  readonly stop: { readonly exitCode: number | null; readonly killed: boolean } | null;
  /** As they were changed last while it ran; null: those it was made with. */
  readonly limits: Limits | null;
  /** Why they could not be changed the last time they should. */
  readonly resizeRefused: string | null;
  /** What each router does with it. */
  readonly routes: Readonly<Record<string, 'routed' | 'unrouted' | 'drained'>>;
}

/** A one-off command: of a deploy, of a cron job, or typed. */
export interface RunDocument {
  readonly id: string;
  readonly appId: string;
  readonly kind: Data<'RunScheduled'>['kind'];
  readonly state: 'scheduled' | 'running' | 'stopping' | Data<'RunEnded'>['outcome'];
  /** Its release. */
  readonly version: number;
  readonly command: readonly string[] | null;
  readonly job: string | null;
  readonly rolloutId: string | null;
  readonly scheduledFor: string | null;
  readonly missed: number;
  readonly timeoutSeconds: number | null;
  readonly detached: boolean;
  readonly nodeId: string;
  readonly containerId: string | null;
  readonly scheduledAt: string;
  readonly startedAt: string | null;
  readonly stoppingAt: string | null;
  readonly endedAt: string | null;
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  readonly cause: string | null;
  readonly detail: string | null;
  readonly logLines: readonly string[];
}
type Data<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>['data'];

/** A command that is run at certain times, by name. */
export type CronJobDocument = KnownCronJob & { readonly job: string };

export interface VolumeDocument extends KnownVolume {
  /** `declared`: the engine makes it when something needs it; `missing`: it had it, and has it no more. */
  readonly state: 'declared' | 'created' | 'missing';
  /** What was in it when that was told to be more than declared; else null. */
  readonly aboveBytes: number | null;
}

export interface DomainDocument {
  /** The domain: with `*.` and a path where it has them. */
  readonly host: string;
  readonly appId: string;
  readonly teamId: string | null;
  /** `reserved`: nobody else may have it; `active`: routed to the app. */
  readonly status: 'reserved' | 'active';
  readonly use: DomainUse;
  /** Null: nobody has to prove that it is theirs. */
  readonly proof: DomainProof | null;
  readonly addedAt: string;
  readonly addedBy: string;
}

/** Never holds the token or its hash. */
export interface TokenDocument {
  readonly tokenId: string;
  readonly userId: string;
  readonly name: string;
  readonly scope: TokenScope;
  readonly status: 'active' | 'revoked';
  readonly expiresAt: string | null;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly revokedAt: string | null;
  readonly revokedBy: string | null;
}

export interface UserDocument {
  readonly userId: string;
  readonly name: string;
  readonly administrator: boolean;
  readonly createdAt: string;
}

export interface TeamDocument {
  readonly teamId: string;
  readonly name: string;
  /** User ids in the order in which they joined. */
  readonly members: readonly string[];
  readonly createdAt: string;
}

export type NodeDocument = NodeEvent['data'] & {
  readonly firstSeenAt: string;
  readonly observedAt: string;
};

export interface RouterDocument {
  readonly routerId: string;
  readonly kind: 'haproxy' | 'nginx';
  readonly status: 'active' | 'removed';
  /** Log position up to which its routes are those of the log. */
  readonly position: Position;
  /** Instances it sends requests to, ascending. */
  readonly routed: readonly string[];
  readonly startedAt: string;
  readonly updatedAt: string;
}

type GarbageItem = Extract<GarbageEvent, { type: 'GarbageCollected' }>['data']['items'][number];

/** One thing that was collected; the newest 1,000 are kept. */
export type GarbageDocument = GarbageItem & {
  readonly nodeId: string;
  readonly collectedAt: string;
};

type GarbagePolicy = Extract<GarbageEvent, { type: 'GarbagePolicyChanged' }>['data'];
export type GarbagePolicyDocument = GarbagePolicy & {
  readonly changedAt: string;
  readonly changedBy: string;
};

/** Every read model, by name. */
export interface DocumentByModel {
  readonly apps: AppDocument;
  readonly releases: ReleaseDocument;
  readonly builds: BuildDocument;
  readonly deploys: DeployDocument;
  readonly instances: InstanceDocument;
  readonly domains: DomainDocument;
  readonly tokens: TokenDocument;
  readonly users: UserDocument;
  readonly teams: TeamDocument;
  readonly nodes: NodeDocument;
  readonly routers: RouterDocument;
  readonly runs: RunDocument;
  readonly garbage: GarbageDocument;
  readonly 'garbage-policies': GarbagePolicyDocument;
}
export type ModelName = keyof DocumentByModel;
