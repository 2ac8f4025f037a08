import { expect, it } from 'vitest';
import { problemOf } from './rejection-problem.js';

it('has the status of HTTP where the refusal is about the state of something', () => {
  for (const code of [
    'build-not-running',
    'rollout-not-running',
    'instance-not-in-state',
  ] as const) {
    const document = problemOf({ code, status: 'none' }).toDocument();
    expect(document).toMatchObject({ code, status: 422, state: 'none' });
  }
});
