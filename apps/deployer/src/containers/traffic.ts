import {
  LATENCY_WINDOW,
  trafficReport,
  type TrafficCounters,
  type TrafficReport,
  type World,
} from '@shiplog/domain';
import type { DesiredApp } from './desired.js';
import { NO_SAMPLE, type Measured, type Sample } from './judge.js';

/** One instance at one router: as it was first seen in this step, and as it is now. */
interface Seen {
  readonly instanceId: string;
  readonly generation: number;
  readonly base: TrafficCounters;
  readonly now: TrafficCounters;
}
interface Step {
  readonly key: string;
  readonly seen: ReadonlyMap<string, Seen>;
}

const ZERO: TrafficCounters = { requests: 0, errors: 0, meanMs: 0 };

/**
 * What routers counted during the newest step of each canary. Kept in memory: after a restart the step is
 * measured anew, and nothing is concluded before enough requests came again.
 */
export class Traffic {
  private readonly steps = new Map<string, Step>();

  constructor(private readonly world: World) {}

  /** Takes a router's report; the app it is about, if it is one that is looked at. */
  take(data: unknown): string | undefined {
    const report = trafficReport.safeParse(data);
    if (!report.success) return undefined;
    const { appId } = report.data;
    const key = this.keyOf(appId);
    if (key === undefined) {
      this.steps.delete(appId);
      return undefined;
    }
    const before = this.steps.get(appId);
    const seen = before?.key === key ? before.seen : new Map<string, Seen>();
    this.steps.set(appId, { key, seen: this.merged(seen, report.data) });
    return appId;
  }

  /** Null where nothing was reported in the step that the rollout is at. */
  measured({ appId, target }: DesiredApp): Measured | null {
    const step = this.steps.get(appId);
    if (step === undefined || target === null || step.key !== this.keyOf(appId)) return null;
    const all = [...step.seen.values()];
    const isFresh = ({ generation }: Seen): boolean => generation === target.generation;
    return {
      fresh: sampleOf(all.filter(isFresh)),
      old: sampleOf(all.filter((one) => !isFresh(one))),
    };
  }

  private keyOf(appId: string): string | undefined {
    const rolloutId = this.world.deployment(appId)?.target?.rolloutId;
    if (rolloutId === undefined) return undefined;
    const { state } = this.world.get('rollout', rolloutId);
    return state.status === 'running' && state.strategy.kind === 'canary'
      ? `${rolloutId}:${state.step}`
      : undefined;
  }

  private merged(seen: Step['seen'], { routerId, instances }: TrafficReport): Step['seen'] {
    const merged = new Map(seen);
    for (const [instanceId, now] of Object.entries(instances)) {
      const { state } = this.world.get('instance', instanceId);
      if (state.status === 'none') continue;
      const key = `${routerId} ${instanceId}`;
      const base = seen.get(key)?.base ?? now;
      // Fewer than before: the proxy began to count anew.
      const isAnew = now.requests < base.requests || now.errors < base.errors;
      const { generation } = state;
      merged.set(key, { instanceId, generation, base: isAnew ? ZERO : base, now });
    }
    return merged;
  }
}

const sampleOf = (seen: readonly Seen[]): Sample => {
  const samples = seen.map(sampleOfOne).filter(({ requests }) => requests > 0);
  if (samples.length === 0) return NO_SAMPLE;
  const sum = (of: (sample: Sample) => number): number =>
    samples.reduce((total, sample) => total + of(sample), 0);
  const requests = sum((sample) => sample.requests);
  return {
    requests,
    errors: sum((sample) => sample.errors),
    meanMs: sum((sample) => (sample.meanMs ?? 0) * sample.requests) / requests,
    uncertainMs: sum((sample) => sample.uncertainMs * sample.requests) / requests,
  };
};

const sampleOfOne = ({ base, now }: Seen): Sample => {
  const requests = now.requests - base.requests;
  if (requests <= 0) return NO_SAMPLE;
  return { requests, errors: now.errors - base.errors, ...meanSince(base, now, requests) };
};

/**
 * The mean of the newest requests only. The proxy keeps a sum that each request makes forget 1/1024 of what
 * it holds, and tells it divided by the requests it has seen, up to 1024, rounded up: what was in it before
 * is taken out again, and what the rounding may hide is told.
 */
const meanSince = (
  base: TrafficCounters,
  now: TrafficCounters,
  requests: number,
): Pick<Sample, 'meanMs' | 'uncertainMs'> => {
  const kept = (1 - 1 / LATENCY_WINDOW) ** requests;
  const weight = LATENCY_WINDOW * (1 - kept);
  const divisor = (of: TrafficCounters): number => Math.min(of.requests, LATENCY_WINDOW);
  const sum = now.meanMs * divisor(now) - base.meanMs * divisor(base) * kept;
  return {
    meanMs: Math.max(0, sum / weight),
    uncertainMs: (divisor(now) + divisor(base) * kept) / weight,
  };
};
