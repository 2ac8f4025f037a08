import { describe, it } from 'vitest';
import { given } from '../testing/index.js';
import { keys } from './index.js';

const requested = {
  type: 'MasterKeyRotationRequested',
  v: 1,
  data: { keyId: 'mk_2', previousKeyId: 'mk_1' },
} as const;
const rotated = {
  type: 'MasterKeyRotated',
  v: 1,
  data: { keyId: 'mk_2', previousKeyId: 'mk_1', keys: 3 },
} as const;
const request = { type: 'RequestRotation', keyId: 'mk_2', previousKeyId: 'mk_1' } as const;
const record = { type: 'RecordRotation', keyId: 'mk_2', previousKeyId: 'mk_1', keys: 3 } as const;

describe('rotating the master key', () => {
  it('is requested, carried out and recorded', () => {
    given(keys)().when(request).then(requested);
    given(keys)(requested).when(record).then(rotated);
  });
  it('is one at a time', () => {
    given(keys)(requested)
      .when({ ...request, keyId: 'mk_3' })
      .thenRejected({ code: 'key-rotation-running', keyId: 'mk_2' });
    given(keys)(requested, rotated)
      .when({ ...request, keyId: 'mk_3', previousKeyId: 'mk_2' })
      .then({ ...requested, data: { keyId: 'mk_3', previousKeyId: 'mk_2' } });
  });
  it('is recorded once', () => {
    given(keys)(requested, rotated).when(record).thenNothing();
  });
});
