import type { Limits } from '@shiplog/events';
import { SHORT_RUN_MS, backoffMs } from './plan-instances.js';
import type { Container, EngineErrorCode } from './container-engine.port.js';
import type { Note } from './actions.js';

/** The last thing that went wrong with an instance, for the explanation. */
export interface Trouble {
  readonly code: EngineErrorCode | 'key-missing';
  readonly said: string;
}

/** Instances of an app in a row that had no place to run. */
interface Loss {
  readonly count: number;
  readonly notBeforeMs: number;
  readonly trouble: Trouble;
}

interface FullNote extends Note {
  readonly failures: number;
  readonly trouble: Trouble | null;
  /** In a row. */
  readonly resizeFailures: number;
  /** What the probe got last. */
  readonly probe: string | null;
  /** When the engine was first to be told that it keeps it running, and had others to do. */
  readonly unkeptSinceMs?: number;
  /** Starts in a row for its liveness. */
  readonly revivals?: number;
}

const REVIVALS_FORGOTTEN_MS = 600_000;

const KEPT_WAITING_MS = 30_000;

const BLANK: FullNote = {
  notBeforeMs: 0,
  shortRuns: 0,
  isHopeless: false,
  retiredSinceMs: null,
  unsized: null,
  resizeFailures: 0,
  killed: false,
  failures: 0,
  trouble: null,
  probe: null,
};

/** What this process remembers of instances and apps beyond the log. */
export class Notes {
  readonly byInstance = new Map<string, FullNote>();
  private readonly losses = new Map<string, Loss>();

  of(instanceId: string): FullNote {
    return this.byInstance.get(instanceId) ?? BLANK;
  }

  /** The engine refused a create or a start: the next try waits 1 s, doubling to 5 min. */
  failed(instanceId: string, trouble: Trouble, at: { nowMs: number; isHopeless: boolean }): void {
    const failures = this.of(instanceId).failures + 1;
    this.set(instanceId, {
      failures,
      trouble,
      isHopeless: at.isHopeless,
      notBeforeMs: at.nowMs + backoffMs(failures),
    });
  }

  /** The engine started it: what it refused before says nothing about the next time. */
  started(instanceId: string): void {
    if (this.of(instanceId).failures === 0) return;
    this.set(instanceId, { failures: 0, trouble: null, isHopeless: false, notBeforeMs: 0 });
  }

  /** May what nobody waits for come after what others wait for? Not for long. */
  mayKeepWaiting(instanceId: string, nowMs: number): boolean {
    const { unkeptSinceMs } = this.of(instanceId);
    if (unkeptSinceMs === undefined) this.set(instanceId, { unkeptSinceMs: nowMs });
    return nowMs - (unkeptSinceMs ?? nowMs) < KEPT_WAITING_MS;
  }

  /** These limits could not be set: the next try waits 1 s, doubling to 5 min. */
  notResized(instanceId: string, limits: Limits, nowMs: number): void {
    const resizeFailures = this.of(instanceId).resizeFailures + 1;
    const notBeforeMs = nowMs + backoffMs(resizeFailures + 1);
    this.set(instanceId, { resizeFailures, unsized: { limits, notBeforeMs } });
  }

  resized(instanceId: string): void {
    if (this.of(instanceId).unsized === null) return;
    this.set(instanceId, { resizeFailures: 0, unsized: null });
  }

  /** What was in the way may have gone (an image was built again). */
  retryNow(instanceId: string): void {
    if (this.byInstance.has(instanceId)) this.set(instanceId, { notBeforeMs: 0 });
  }

  /** Another engine answers than the one that refused: a daemon that ends refuses everything. */
  retryAll(): void {
    for (const instanceId of this.byInstance.keys()) {
      this.set(instanceId, { notBeforeMs: 0, failures: 0, unsized: null, resizeFailures: 0 });
    }
  }

  exited(instanceId: string, { startedAt, finishedAt }: Container): void {
    const isShort =
      startedAt !== null &&
      finishedAt !== null &&
      Date.parse(finishedAt) - Date.parse(startedAt) < SHORT_RUN_MS;
    this.set(instanceId, { shortRuns: isShort ? this.of(instanceId).shortRuns + 1 : 0 });
  }

  retired(instanceId: string, nowMs: number): void {
    if (this.of(instanceId).retiredSinceMs === null) {
      this.set(instanceId, { retiredSinceMs: nowMs });
    }
  }

  killed(instanceId: string): void {
    this.set(instanceId, { killed: true });
  }

  /** Its liveness check failed: the plan decides when it is started again. */
  notLiving(instanceId: string, notLiving: NonNullable<FullNote['notLiving']>): void {
    this.set(instanceId, { notLiving });
  }

  living(instanceId: string): void {
    if (this.of(instanceId).notLiving != null) this.set(instanceId, { notLiving: null });
  }

  /** Started again for its liveness: the next time waits 10 s, doubling to 5 min; it begins anew after 10 min. */
  revived(instanceId: string, nowMs: number): void {
    const { revivals = 0, revivedAtMs } = this.of(instanceId);
    const isLongAgo = revivedAtMs === undefined || nowMs - revivedAtMs > REVIVALS_FORGOTTEN_MS;
    const count = isLongAgo ? 1 : revivals + 1;
    this.set(instanceId, {
      revivals: count,
      revivedAtMs: nowMs,
      reviveNotBeforeMs: nowMs + Math.min(300_000, 5_000 * 2 ** count),
      notLiving: null,
    });
  }

  probed(instanceId: string, probe: string): void {
    this.set(instanceId, { probe });
  }

  /** It had no place to run (its port was taken, its network removed): the next one of that app waits a little. */
  lost(appId: string, trouble: Trouble, nowMs: number): void {
    const count = (this.losses.get(appId)?.count ?? 0) + 1;
    const notBeforeMs = nowMs + Math.min(5000, 50 * 2 ** count);
    this.losses.set(appId, { count, notBeforeMs, trouble });
  }

  /** Why the last one had no place, as long as none became ready since. */
  lossOf(appId: string): Trouble | null {
    return this.losses.get(appId)?.trouble ?? null;
  }

  ready(appId: string): void {
    this.losses.delete(appId);
  }

  scheduleNotBeforeMs(appId: string): number {
    return this.losses.get(appId)?.notBeforeMs ?? 0;
  }

  /** Forgets instances that are no longer in the log's memory. */
  keepOnly(isKnown: (instanceId: string) => boolean): void {
    for (const id of this.byInstance.keys()) if (!isKnown(id)) this.byInstance.delete(id);
  }

  private set(instanceId: string, changes: Partial<FullNote>): void {
    this.byInstance.set(instanceId, { ...this.of(instanceId), ...changes });
  }
}
