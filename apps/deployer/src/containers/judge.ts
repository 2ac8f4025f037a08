import type { RolloutStrategy } from '@shiplog/events';

/** What a router counted of some instances since a step began. */
export interface Sample {
  readonly requests: number;
  /** Answered with a 5xx status, or not at all. */
  readonly errors: number;
  /** Mean response time; null where it is not known. */
  readonly meanMs: number | null;
  /** How far from the truth the mean may be. */
  readonly uncertainMs: number;
}

/** The new instances and the old ones, over the same time. */
export interface Measured {
  readonly fresh: Sample;
  readonly old: Sample;
}

export const NO_SAMPLE: Sample = { requests: 0, errors: 0, meanMs: null, uncertainMs: 0 };

export type Gate = Pick<
  Extract<RolloutStrategy, { kind: 'canary' }>,
  'requests' | 'errorPoints' | 'latencyPercent'
>;

export interface Judgement {
  /** `open`: too few requests yet to conclude anything. */
  readonly verdict: 'good' | 'bad' | 'open';
  /** What was worse; null unless it is bad. */
  readonly worse: 'errors' | 'latency' | null;
}

/** Are the new instances as good as the old ones? Nothing is concluded from fewer requests than asked for. */
export const judge = (measured: Measured | null, gate: Gate): Judgement => {
  if (measured === null || measured.fresh.requests < gate.requests) {
    return { verdict: 'open', worse: null };
  }
  const { fresh, old } = measured;
  // Where the old ones answered too few to speak for themselves, they count as without fault.
  const before = old.requests < gate.requests ? 0 : errorPercent(old);
  if (errorPercent(fresh) - before > gate.errorPoints) return { verdict: 'bad', worse: 'errors' };
  return isSlower(measured, gate)
    ? { verdict: 'bad', worse: 'latency' }
    : { verdict: 'good', worse: null };
};

export const errorPercent = ({ requests, errors }: Sample): number =>
  requests === 0 ? 0 : (100 * errors) / requests;

/** Only where it is so beyond what the measurement may be wrong by. */
const isSlower = ({ fresh, old }: Measured, { latencyPercent, requests }: Gate): boolean => {
  if (latencyPercent === null || fresh.meanMs === null || old.meanMs === null) return false;
  if (old.requests < requests) return false;
  const limit = (old.meanMs + old.uncertainMs) * (1 + latencyPercent / 100);
  return fresh.meanMs - fresh.uncertainMs > limit;
};
