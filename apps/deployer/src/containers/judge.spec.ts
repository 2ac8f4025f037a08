import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, type Sample } from './judge.js';

const gate = { requests: 100, errorPoints: 1, latencyPercent: 50 };
const sample = (requests: number, errors = 0, meanMs: number | null = 10): Sample => ({
  requests,
  errors,
  meanMs,
  uncertainMs: 1,
});

describe('a verdict on a canary', () => {
  it.each([
    ['as good', sample(100), sample(1000), 'good', null],
    ['a few errors within the margin', sample(200, 2), sample(1000), 'good', null],
    ['more errors than the margin', sample(200, 3), sample(1000), 'bad', 'errors'],
    ['both fail alike', sample(200, 40), sample(1000, 200), 'good', null],
    ['slower beyond the limit', sample(200, 0, 18), sample(1000, 0, 10), 'bad', 'latency'],
    ['slower within what may be wrong', sample(200, 0, 17), sample(1000, 0, 10), 'good', null],
    ['response times unknown', sample(200, 0, null), sample(1000), 'good', null],
    ['an old side without requests', sample(200, 0, 500), sample(0, 0, null), 'good', null],
    ['errors where the old side cannot speak', sample(200, 3), sample(5, 5), 'bad', 'errors'],
    ['too few to tell', sample(99, 99), sample(1000), 'open', null],
  ] as const)('%s', (_, fresh, old, verdict, worse) => {
    expect(judge({ fresh, old }, gate)).toEqual({ verdict, worse });
  });

  it('is none without figures', () => {
    expect(judge(null, gate).verdict).toBe('open');
  });

  it('does not look at times where that is not wanted', () => {
    const measured = { fresh: sample(200, 0, 900), old: sample(200) };
    expect(judge(measured, { ...gate, latencyPercent: null }).verdict).toBe('good');
  });

  it('is never given below the number of requests that was asked for', () => {
    fc.assert(
      fc.property(fc.nat(99), fc.nat(99), fc.nat(5000), (requests, errors, meanMs) => {
        const fresh = sample(requests, Math.min(errors, requests), meanMs);
        expect(judge({ fresh, old: sample(1000) }, gate).verdict).toBe('open');
      }),
    );
  });
});
