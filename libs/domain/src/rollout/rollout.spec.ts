import { describe, it } from 'vitest';
import { APP, explained, given as givenOf } from '../testing/index.js';
import { rollout, rolloutIdOf } from './index.js';

const given = givenOf(rollout);
const known = { rolloutId: rolloutIdOf(APP, 2), appId: APP, generation: 2, version: 2 };
const start = { ...known, fromVersion: 1, deadline: '2026-01-01T00:05:00.000Z' };
const started = { type: 'RolloutStarted', v: 1, data: start } as const;
const completed = { type: 'RolloutCompleted', v: 1, data: known } as const;

describe('a rollout', () => {
  it('starts once', () => {
    given()
      .when({ type: 'StartRollout', ...start })
      .then(started);
    given(started)
      .when({ type: 'StartRollout', ...start })
      .thenNothing();
    given(started, completed)
      .when({ type: 'StartRollout', ...start })
      .thenNothing();
  });
  it('ends in completion, failure or cancellation', () => {
    given(started).when({ type: 'CompleteRollout' }).then(completed);
    given(started)
      .when({ type: 'FailRollout', explanation: explained('exited') })
      .then({ type: 'RolloutFailed', v: 1, data: { ...known, explanation: explained('exited') } });
    given(started)
      .when({ type: 'CancelRollout', cause: 'superseded' })
      .then({ type: 'RolloutCancelled', v: 1, data: { ...known, cause: 'superseded' } });
  });
  it('has one end', () => {
    given(started, completed)
      .when({ type: 'CancelRollout', cause: 'asked' })
      .thenRejected({ code: 'rollout-not-running', status: 'completed' });
    given()
      .when({ type: 'CompleteRollout' })
      .thenRejected({ code: 'rollout-not-running', status: 'none' });
  });
});
