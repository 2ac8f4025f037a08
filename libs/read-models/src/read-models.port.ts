import type { Position, Sequence } from '@shiplog/events';
import type {
  AppDocument,
  BuildDocument,
  DeployDocument,
  DomainDocument,
  GarbageDocument,
  GarbagePolicyDocument,
  InstanceDocument,
  ModelName,
  NodeDocument,
  ReleaseDocument,
  RouterDocument,
  RunDocument,
  TeamDocument,
  TokenDocument,
  UserDocument,
} from './documents.js';
import type { ScanPage } from './query/row-store.js';

/** How much of a list; newest first. */
export interface Page {
  /** At most this many; default 100, at most 1,000. */
  readonly limit?: number;
}

/**
 * The read models at one point of the log: now (SQL), or then (`?at=`, folded in memory). Both give
 * the same documents at the same position. Lists are newest first, by place in the log.
 */
export interface ReadModels {
  /** Every commit up to here is in the documents. */
  position(): Promise<Position>;

  app(appId: string): Promise<AppDocument | undefined>;
  /** The active app of that name. */
  appByName(name: string): Promise<AppDocument | undefined>;
  /** Active apps, unless `status` says otherwise. */
  apps(
    filter?: Page & { readonly teamId?: string; readonly status?: AppDocument['status'] | 'any' },
  ): Promise<readonly AppDocument[]>;

  release(appId: string, version: number): Promise<ReleaseDocument | undefined>;
  releases(filter: Page & { readonly appId: string }): Promise<readonly ReleaseDocument[]>;

  build(buildId: string): Promise<BuildDocument | undefined>;
  builds(
    filter?: Page & { readonly appId?: string; readonly status?: BuildDocument['status'] },
  ): Promise<readonly BuildDocument[]>;

  deploy(deployId: string): Promise<DeployDocument | undefined>;
  deploys(
    filter?: Page & { readonly appId?: string; readonly status?: DeployDocument['status'] },
  ): Promise<readonly DeployDocument[]>;

  instance(instanceId: string): Promise<InstanceDocument | undefined>;
  /** Instances not stopped yet; with `ended` the newest stopped ones (50 per app are kept) instead. */
  instances(
    filter?: Page & { readonly appId?: string; readonly ended?: boolean },
  ): Promise<readonly InstanceDocument[]>;

  run(runId: string): Promise<RunDocument | undefined>;
  /** Newest first; of each cron job, of release commands and of what was typed the newest 50 are kept. */
  runs(
    filter: Page & { readonly appId: string; readonly job?: string },
  ): Promise<readonly RunDocument[]>;

  domain(host: string): Promise<DomainDocument | undefined>;
  domains(
    filter?: Page & { readonly appId?: string; readonly teamId?: string },
  ): Promise<readonly DomainDocument[]>;

  token(tokenId: string): Promise<TokenDocument | undefined>;
  tokens(
    filter?: Page & { readonly userId?: string; readonly status?: TokenDocument['status'] },
  ): Promise<readonly TokenDocument[]>;

  user(userId: string): Promise<UserDocument | undefined>;
  users(filter?: Page): Promise<readonly UserDocument[]>;

  team(teamId: string): Promise<TeamDocument | undefined>;
  teams(filter?: Page): Promise<readonly TeamDocument[]>;

  node(nodeId: string): Promise<NodeDocument | undefined>;
  nodes(filter?: Page): Promise<readonly NodeDocument[]>;

  router(routerId: string): Promise<RouterDocument | undefined>;
  routers(filter?: Page): Promise<readonly RouterDocument[]>;

  garbage(filter?: Page & { readonly appId?: string }): Promise<readonly GarbageDocument[]>;
  /** Undefined where the default policy was never changed. */
  garbagePolicy(nodeId: string): Promise<GarbagePolicyDocument | undefined>;

  /**
   * Every document of every model as canonical JSON (RFC 8785), one line each, ordered by model and
   * key: equal bytes at equal positions, whatever the store, the time zone or the locale.
   */
  dump(): AsyncIterable<string>;

  /** Every document of these models, as `dump` has them; refuses a model of an earlier position. */
  scan(models: readonly ModelName[]): AsyncIterable<ScanPage>;
}

/** What a rebuild made otherwise than it is served, memories of the projection included. */
export interface ModelDifference {
  readonly model: ModelName;
  /** Documents that are in both and not the same, that only the new tables have, that only the served ones have. */
  readonly changed: number;
  readonly added: number;
  readonly missing: number;
  /** The first of them; `~` begins the key of a memory. */
  readonly keys: readonly string[];
}

/** A model that stands still at a commit that its projection cannot apply; the others go on. */
export interface ParkedModel {
  readonly model: ModelName;
  /** Its documents hold everything up to here. */
  readonly position: Position;
  /** The event that cannot be applied. */
  readonly sequence: Sequence;
  readonly problem: string;
  readonly since: string;
}

/** The rebuild under way, or the last one of this process. */
export interface RebuildStatus {
  /** `refused`: the same code made other documents than are served, so these stayed. */
  readonly state: 'none' | 'running' | 'comparing' | 'done' | 'refused' | 'cancelled' | 'failed';
  readonly models: readonly ModelName[];
  /** Commits folded, and how many there are now; about, where the log's positions are not dense. */
  readonly done: number;
  readonly total: number;
  readonly events: number;
  readonly eventsPerSecond: number | null;
  readonly secondsLeft: number | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** It went on where an earlier process or attempt had left it. */
  readonly resumed: boolean;
  readonly differences: readonly ModelDifference[];
  /** Models that could not be made; they are served as before. */
  readonly parked: readonly ParkedModel[];
  readonly problem: string | null;
}

export interface RebuildResult {
  readonly models: readonly ModelName[];
  readonly position: Position;
  readonly events: number;
  readonly durationMs: number;
  readonly differences: readonly ModelDifference[];
  readonly parked: readonly ParkedModel[];
}

export interface RebuildOptions {
  /** Serve what was made also where the same code made other documents before. */
  readonly force?: boolean;
}

/** The read models of a process that projects the log into SQL. */
export interface RunningReadModels {
  /** As of the last projected commit; parked models as of where they stand. */
  readonly queries: ReadModels;
  /** As `queries`; what is parked before this position is refused with `ModelParkedError`. */
  queriesAtLeast(position: Position): ReadModels;
  /**
   * As of a position of the past (`?at=`); refuses one that is not in the log yet. One is made at a time.
   * `signal`: the caller is done with it, or wants it no more; without one it is good for a minute.
   */
  at(position: Position, signal?: AbortSignal): Promise<ReadModels>;
  /**
   * The position that `?at=` names: a sequence, a bare position, or a time (everything before the
   * first commit later than it). Throws `AtUnknownError` for anything else and for the future of the log.
   */
  positionAt(at: string): Promise<Position>;
  /**
   * Resolves when the commit at this position is in the documents of every model that is not parked;
   * rejects after `timeoutMs` (default 10 s).
   */
  reach(position: Position, timeoutMs?: number): Promise<void>;
  checkpoint(): { readonly position: Position; readonly hash: string };
  /** Models that stand still. */
  parked(): readonly ParkedModel[];
  /**
   * Folds the log once more beside the live tables, compares, and switches; queries go on. Default: all
   * models. Joins one of the same models that is under way. Resolves when it is over.
   */
  rebuild(model?: ModelName, options?: RebuildOptions): Promise<RebuildResult>;
  /** As `rebuild`, but resolves when it is under way. Throws `RebuildRunningError` beside another one. */
  startRebuild(model?: ModelName, options?: RebuildOptions): Promise<RebuildStatus>;
  rebuildStatus(): Promise<RebuildStatus>;
  /** Ends the rebuild under way, whichever process runs it; what is served stays. Throws `NoRebuildError`. */
  cancelRebuild(): Promise<RebuildStatus>;
  stop(): Promise<void>;
}
