import type { CancelCause, RetireReason } from '@shiplog/domain';
import type { Container } from './container-engine.port.js';
import type { DesiredApp, Routes } from './desired.js';

/** Why a rollout cannot succeed; the words for people are made from it, with the log lines, when it is applied. */
export type Failure =
  | { readonly kind: 'crashed'; readonly instanceId: string }
  | { readonly kind: 'not-ready'; readonly instanceId: string; readonly afterSeconds: number }
  | { readonly kind: 'not-created'; readonly instanceId: string }
  | { readonly kind: 'image-lost'; readonly said: string }
  | { readonly kind: 'deadline'; readonly instanceId: string | null; readonly isReady: boolean };

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
  | ({ readonly type: 'record-exited' } & OfContainer)
  | ({ readonly type: 'record-stopped' } & OfInstance & {
        readonly exitCode: number | null;
        readonly killed: boolean;
      })
  | ({ readonly type: 'create' } & OfInstance)
  | ({ readonly type: 'start' } & OfContainer)
  | ({ readonly type: 'probe' } & OfContainer)
  | ({ readonly type: 'keep-running' } & OfContainer)
  | ({ readonly type: 'stop' } & OfContainer & { readonly graceSeconds: number });

interface OfInstance {
  readonly appId: string;
  readonly instanceId: string;
}
interface OfContainer extends OfInstance {
  readonly containerId: string;
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
  /** SIGKILL was needed. */
  readonly killed: boolean;
}

export interface PlanInput {
  readonly app: DesiredApp;
  /** By instance id; complete, or the round would not have come here. */
  readonly containers: ReadonlyMap<string, Container>;
  /** Of every router that counts. */
  readonly routers: readonly { readonly routes: Routes }[];
  readonly notes: ReadonlyMap<string, Note>;
  /** Instances with an engine step under way: they are left alone until it ended. */
  readonly busy: Pick<ReadonlySet<string>, 'has'>;
  /** No new instance before this time: the last ones were lost as soon as they were made. */
  readonly scheduleNotBeforeMs: number;
  readonly nowMs: number;
}

export interface Plan {
  readonly actions: readonly Action[];
  /** When time alone makes a difference; null when only an event can. */
  readonly nextAtMs: number | null;
}
