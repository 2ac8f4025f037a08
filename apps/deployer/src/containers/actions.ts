import type { Limits, RunStopCause } from '@shiplog/events';
import type { CancelCause, RetireReason, RunKind, UnreadyCause } from '@shiplog/domain';
import type { Container } from './container-engine.port.js';
import type { CronDues, DesiredApp, Routes, Weights } from './desired.js';
import type { Measured } from './judge.js';

/** Why a rollout cannot succeed; the words for people are made from it, with the log lines, when it is applied. */
export type Failure =
  | { readonly kind: 'crashed'; readonly instanceId: string }
  | { readonly kind: 'not-ready'; readonly instanceId: string; readonly afterSeconds: number }
  | { readonly kind: 'not-created'; readonly instanceId: string }
  | { readonly kind: 'release-command'; readonly runId: string }
  | { readonly kind: 'image-lost'; readonly said: string }
  | { readonly kind: 'deadline'; readonly instanceId: string | null; readonly isReady: boolean }
  /** A canary that does worse than what it is compared with. */
  | {
      readonly kind: 'worse';
      readonly what: 'errors' | 'latency';
      readonly share: number;
      readonly measured: Measured;
    }
  /** A canary that nobody promoted, or that too few requests came to, by its deadline. */
  | { readonly kind: 'undecided'; readonly share: number; readonly measured: Measured | null };

/** One safe step. Facts are appended; engine steps run beside the rounds, one at a time per instance. */
export type Action =
  | { readonly type: 'start-rollout'; readonly appId: string; readonly rolloutId: string }
  | {
      readonly type: 'cancel-rollout';
      readonly appId: string;
      readonly rolloutId: string;
      readonly cause: CancelCause;
    }
  | { readonly type: 'complete-rollout'; readonly appId: string; readonly rolloutId: string }
  | {
      readonly type: 'fail-rollout';
      readonly appId: string;
      readonly rolloutId: string;
      readonly failure: Failure;
    }
  | {
      readonly type: 'step-rollout';
      readonly appId: string;
      readonly rolloutId: string;
      readonly step: number;
      readonly percent: number;
    }
  | {
      readonly type: 'schedule';
      readonly appId: string;
      readonly process: string;
      readonly generation: number;
      readonly version: number;
      readonly count: number;
    }
  | {
      readonly type: 'retire';
      readonly appId: string;
      readonly instanceId: string;
      readonly reason: RetireReason;
    }
  | ({ readonly type: 'record-started' } & OfContainer & {
        readonly restarts: number;
        readonly startedAt: string | null;
      })
  | ({ readonly type: 'record-unready' } & OfInstance & {
        readonly cause: UnreadyCause;
        readonly check: string;
        readonly got: string;
      })
  | ({ readonly type: 'record-exited' } & OfContainer)
  | ({ readonly type: 'record-stopped' } & OfInstance & {
        readonly exitCode: number | null;
        readonly killed: boolean;
      })
  | ({ readonly type: 'record-signalled' } & OfInstance & {
        readonly signal: string;
        readonly graceSeconds: number | null;
        readonly atMs: number;
      })
  | ({ readonly type: 'create' } & OfInstance)
  | ({ readonly type: 'start' } & OfContainer)
  | ({ readonly type: 'probe' } & OfContainer)
  | ({ readonly type: 'keep-running' } & OfContainer)
  /** So that it is started again. */
  | ({ readonly type: 'end-instance' } & OfContainer & { readonly graceSeconds: number })
  | ({ readonly type: 'resize' } & OfContainer & {
        readonly limits: Limits;
        readonly cause: 'asked' | 'drift';
      })
  | ({ readonly type: 'record-resized' } & OfInstance & { readonly limits: Limits })
  | ({ readonly type: 'stop' } & OfContainer & { readonly graceSeconds: number })
  | ({ readonly type: 'schedule-run' } & NewRun)
  | ({ readonly type: 'skip-run' } & NewRun & {
        readonly cause: 'overlap' | 'missed';
        readonly detail: string;
      })
  | ({ readonly type: 'create-run' } & OfRun)
  | ({ readonly type: 'start-run' } & OfRun & { readonly containerId: string })
  | ({ readonly type: 'record-run-started' } & OfRun & {
        readonly containerId: string;
        readonly startedAt: string;
      })
  | ({ readonly type: 'stop-run' } & OfRun & { readonly cause: RunStopCause })
  | ({ readonly type: 'end-run' } & OfRun & {
        readonly containerId: string | null;
        readonly outcome: 'exited' | 'lost';
      });

interface OfInstance {
  readonly appId: string;
  readonly instanceId: string;
}
interface OfContainer extends OfInstance {
  readonly containerId: string;
}
interface OfRun {
  readonly appId: string;
  readonly runId: string;
}
interface NewRun extends OfRun {
  readonly kind: RunKind;
  readonly version: number;
  readonly command: readonly string[];
  readonly rolloutId: string | null;
  readonly job: string | null;
  readonly scheduledFor: string | null;
  readonly missed: number;
  readonly timeoutSeconds: number | null;
}

/** What this process remembers of an instance beyond the log: losing it costs time, never safety. */
export interface Note {
  /** No start before this time. */
  readonly notBeforeMs: number;
  /** Runs in a row that ended within `SHORT_RUN_MS`. */
  readonly shortRuns: number;
  /** What the engine refused for good, if it did. */
  readonly isHopeless: boolean;
  /** When the instance was first seen retired. */
  readonly retiredSinceMs: number | null;
  /** The limits that it could not be given, and when that is tried again. */
  readonly unsized: { readonly limits: Limits; readonly notBeforeMs: number } | null;
  /** SIGKILL was needed. */
  readonly killed: boolean;
  /** Its liveness check fails, in the run that began then. */
  readonly notLiving?: {
    readonly startedAt: string;
    readonly check: string;
    readonly got: string;
  } | null;
  /** When it was last started again for its liveness, and the earliest time for the next. */
  readonly revivedAtMs?: number;
  readonly reviveNotBeforeMs?: number;
}

export interface PlanInput {
  readonly app: DesiredApp;
  /** By instance id; complete, or the round would not have come here. */
  readonly containers: ReadonlyMap<string, Container>;
  /** Of every router that counts. */
  readonly routers: readonly { readonly routes: Routes; readonly weights: Weights }[];
  readonly notes: ReadonlyMap<string, Note>;
  /** By container: what it was sent in its newest run. */
  readonly signalsOf?: (containerId: string) => readonly { signal: string; atMs: number }[];
  /** Instances with an engine step under way: they are left alone until it ended. */
  readonly busy: Pick<ReadonlySet<string>, 'has'>;
  /** No new instance before this time: the last ones were lost as soon as they were made. */
  readonly scheduleNotBeforeMs: number;
  /** What the routers counted since the newest step of a canary; null where nothing was counted. */
  readonly measured: Measured | null;
  /** Cron jobs of the app that are due. */
  readonly dues?: CronDues;
  readonly nowMs: number;
}

export interface Plan {
  readonly actions: readonly Action[];
  /** When time alone makes a difference; null when only an event can. */
  readonly nextAtMs: number | null;
}
