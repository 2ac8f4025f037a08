import { describe, expect, it } from 'vitest';
import { backupIdOf, type BackupState } from '@shiplog/domain';
import { RETRY_MS, planDue } from './plan-due.js';

const HOUR_MS = 3_600_000;
/** The schedule of these tests: every day at three. */
const THREE = Date.UTC(2026, 0, 2, 3);
const NOW = THREE + HOUR_MS;
const UNTIL_NEXT = 23 * HOUR_MS;

const stateOf = (
  backups: readonly { outcome: string; atMs: number; target?: string }[],
  policy: Partial<BackupState['policy']> = {},
): Pick<BackupState, 'policy' | 'backups'> => ({
  policy: { schedule: 'daily 03:00', target: '/a', keep: null, ...policy },
  backups: backups.map(({ outcome, atMs, target = '/a' }) => {
    const known = { backupId: backupIdOf(atMs, '00000001'), outcome, target };
    return known as BackupState['backups'][number];
  }),
});

describe('a backup', () => {
  const now = { target: '/a', lookAgainInMs: undefined };
  const wait = { target: undefined, lookAgainInMs: UNTIL_NEXT };
  const never = { target: undefined, lookAgainInMs: undefined };

  it.each([
    ['at once when there is none', stateOf([]), now],
    ['never without a schedule', stateOf([], { schedule: 'off' }), never],
    ['never without a place', stateOf([], { target: null }), never],
    [
      'when the newest is from before',
      stateOf([{ outcome: 'succeeded', atMs: THREE - 1000 }]),
      now,
    ],
    ['not when one was made since', stateOf([{ outcome: 'succeeded', atMs: THREE }]), wait],
    ['not while one runs', stateOf([{ outcome: 'running', atMs: THREE - HOUR_MS }]), wait],
    ['again some time after one failed', stateOf([{ outcome: 'failed', atMs: THREE }]), now],
    [
      'when the newest was made somewhere else',
      stateOf([{ outcome: 'succeeded', atMs: THREE, target: '/b' }]),
      now,
    ],
  ])('is due %s', (_, state, due) => {
    expect(planDue(state, NOW)).toEqual(due);
  });

  it('that failed just now is looked at again when it is to be tried again', () => {
    const failed = stateOf([{ outcome: 'failed', atMs: NOW - 60_000 }]);
    const due = { target: undefined, lookAgainInMs: RETRY_MS - 60_000 };
    expect(planDue(failed, NOW)).toEqual(due);
  });
});
