import { expect, it } from 'vitest';
import type { RolloutStrategy } from '@shiplog/events';
import { explainCanary } from './explain-canary.js';

const canary: Extract<RolloutStrategy, { kind: 'canary' }> = {
  kind: 'canary',
  steps: [10],
  stepSeconds: 60,
  promote: 'auto',
  requests: 100,
  errorPoints: 1,
  latencyPercent: 50,
};
const measured = {
  fresh: { requests: 120, errors: 6, meanMs: 41.26, uncertainMs: 1 },
  old: { requests: 2400, errors: 12, meanMs: 12, uncertainMs: 1 },
};

it('a canary that went back says so with the figures of both sides', () => {
  const errors = explainCanary({ kind: 'worse', what: 'errors', share: 10, measured }, canary);
  expect(errors).toMatchObject({
    code: 'canary-errors',
    summary: "the new release fails more often: 5% of its requests, 0.5% of the old one's",
    tried:
      'at 10% of the requests; new: 120 requests, 6 failed (5%), 41.3 ms; old: 2400 requests, 12 failed (0.5%), 12 ms',
  });
  const slow = explainCanary({ kind: 'worse', what: 'latency', share: 10, measured }, canary);
  expect(slow.summary).toBe('the new release is slower: 41.3 ms on average, the old one 12 ms');
});

it('one that nothing could be concluded from says what was missing', () => {
  const few = explainCanary({ kind: 'undecided', share: 10, measured: null }, canary);
  expect(few).toMatchObject({
    code: 'canary-undecided',
    summary: expect.stringContaining('0 of 100'),
  });
  const nobody = { ...canary, promote: 'manual' as const };
  expect(explainCanary({ kind: 'undecided', share: 10, measured: null }, nobody).code).toBe(
    'canary-not-promoted',
  );
});
