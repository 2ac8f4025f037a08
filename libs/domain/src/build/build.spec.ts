import { describe, it } from 'vitest';
import { APP, explained, given as givenOf, imageOf } from '../testing/index.js';
import { build } from './index.js';

const given = givenOf(build);
const ids = { buildId: 'b1', appId: APP };
const started = { type: 'BuildStarted', v: 1, data: { ...ids, sourceDigest: null } } as const;
const result = {
  image: imageOf(1),
  processes: { web: { command: null } },
  stack: 'node',
  durationMs: 5,
} as const;
const succeeded = { type: 'BuildSucceeded', v: 1, data: { ...ids, ...result } } as const;
const cancelled = { type: 'BuildCancelled', v: 1, data: ids } as const;

describe('a build', () => {
  it('starts once, also when the builder died and takes it up again', () => {
    given()
      .when({ type: 'StartBuild', ...ids, sourceDigest: null })
      .then(started);
    given(started)
      .when({ type: 'StartBuild', ...ids, sourceDigest: null })
      .thenNothing();
  });
  it('ends in success, failure or cancellation', () => {
    given(started)
      .when({ type: 'SucceedBuild', ...result })
      .then(succeeded);
    given(started)
      .when({ type: 'FailBuild', explanation: explained('build-failed') })
      .then({
        type: 'BuildFailed',
        v: 1,
        data: { ...ids, explanation: explained('build-failed') },
      });
    given(started).when({ type: 'CancelBuild' }).then(cancelled);
    given(started, cancelled).when({ type: 'CancelBuild' }).thenNothing();
  });
  it('has one end', () => {
    given(started, cancelled)
      .when({ type: 'SucceedBuild', ...result })
      .thenRejected({ code: 'build-not-running', status: 'cancelled' });
    given(started, succeeded)
      .when({ type: 'CancelBuild' })
      .thenRejected({ code: 'build-not-running', status: 'succeeded' });
    given()
      .when({ type: 'CancelBuild' })
      .thenRejected({ code: 'build-not-running', status: 'none' });
  });
});

describe('the image of a build', () => {
  const rebuilt = { type: 'ImageRebuilt', v: 1, data: { ...ids, image: imageOf(2) } } as const;
  const lost = {
    type: 'ImageLost',
    v: 1,
    data: { ...ids, explanation: explained('gone') },
  } as const;

  it('is recorded anew when it was made again', () => {
    given(started, succeeded)
      .when({ type: 'RecordRebuiltImage', image: imageOf(2) })
      .then(rebuilt);
    given(started, succeeded, rebuilt)
      .when({ type: 'RecordRebuiltImage', image: imageOf(2) })
      .thenNothing();
  });
  it('is recorded as lost once, and found again by a rebuild', () => {
    given(started, succeeded)
      .when({ type: 'RecordLostImage', explanation: explained('gone') })
      .then(lost);
    given(started, succeeded, lost)
      .when({ type: 'RecordLostImage', explanation: explained('gone') })
      .thenNothing();
    given(started, succeeded, lost)
      .when({ type: 'RecordRebuiltImage', image: imageOf(2) })
      .then(rebuilt);
  });
});
