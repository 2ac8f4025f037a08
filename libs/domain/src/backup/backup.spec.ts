import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { given } from '../testing/index.js';
import {
  backup,
  backupIdOf,
  kept,
  lastDue,
  nextDue,
  parseKeep,
  parseSchedule,
  startOfBackup,
} from './index.js';

const at = { nodeId: 'node-1', target: '/mnt/backup' };
const one = { ...at, backupId: '20261126T030000Z-0123abcd' };
const started = { type: 'BackupStarted', v: 1, data: { ...one, cause: 'asked' } } as const;
const problem = { code: 'backup-target-unavailable', summary: 'no space left' };
const failed = { type: 'BackupFailed', v: 1, data: { ...one, ...problem } } as const;

describe('a backup', () => {
  it('is one at a time', () => {
    given(backup)()
      .when({ type: 'StartBackup', ...one, cause: 'asked' })
      .then(started);
    given(backup)(started)
      .when({ type: 'StartBackup', ...one, backupId: 'other', cause: 'schedule' })
      .thenRejected({ code: 'backup-running', backupId: one.backupId });
  });
  it('that failed is never a success', () => {
    given(backup)(started)
      .when({ type: 'FailBackup', ...one, ...problem })
      .then(failed);
    const figures = {
      bytes: 1,
      addedBytes: 1,
      objects: 1,
      durationMs: 1,
      missing: [],
      volumes: [],
    };
    const manifest = `sha256:${'0'.repeat(64)}`;
    const position = '00000000000000000042';
    given(backup)(started, failed)
      .when({ type: 'SucceedBackup', ...one, manifest, position, ...figures })
      .thenRejected({ code: 'backup-not-running' });
  });
  it('by itself needs a time, a place, and a rule that can be read', () => {
    const policy = {
      type: 'ChangeBackupPolicy',
      ...at,
      schedule: 'daily 03:00',
      keep: '3,7d',
    } as const;
    const { type: _type, ...data } = policy;
    given(backup)().when(policy).then({ type: 'BackupPolicyChanged', v: 1, data });
    given(backup)()
      .when({ ...policy, schedule: 'daily 25:00' })
      .thenRejected({ code: 'backup-schedule-invalid' });
    given(backup)()
      .when({ ...policy, keep: 'a few' })
      .thenRejected({ code: 'backup-keep-invalid' });
    given(backup)()
      .when({ ...policy, target: null })
      .thenRejected({ code: 'backup-target-missing' });
  });
  it('tells by its id when it began', () => {
    const ms = Date.parse('2026-11-26T03:00:07.000Z');
    expect(startOfBackup(backupIdOf(ms, '0123abcd'))).toBe(ms);
  });
});

describe('a schedule', () => {
  const texts = ['hourly', 'every 6h', 'daily 03:00', 'weekly sunday 03:00'];
  it('is due again and again, the next time after the last', () => {
    const moment = fc.integer({ min: 0, max: 4e12 });
    fc.assert(
      fc.property(fc.constantFrom(...texts), moment, (text, now) => {
        const schedule = parseSchedule(text) ?? { kind: 'off' as const };
        const [last = NaN, next = NaN] = [lastDue(schedule, now), nextDue(schedule, now)];
        expect(last).toBeLessThanOrEqual(now);
        expect(next).toBeGreaterThan(now);
        expect(lastDue(schedule, next)).toBe(next);
      }),
    );
  });
  it('is in UTC', () => {
    const now = Date.parse('2026-11-26T10:00:00Z');
    const due = (text: string) =>
      new Date(lastDue(parseSchedule(text) ?? { kind: 'off' }, now) ?? 0).toISOString();
    expect(due('daily 03:00')).toBe('2026-11-26T03:00:00.000Z');
    expect(due('weekly sunday 03:00')).toBe('2026-11-22T03:00:00.000Z');
  });
  it.each(['', 'daily', 'every 5h', 'every 0h', 'weekly 03:00', 'daily 3:00'])(
    'is not "%s"',
    (text) => {
      expect(parseSchedule(text)).toBeUndefined();
    },
  );
});

describe('what is kept', () => {
  it('are the newest, and one of each day', () => {
    const backups = [...Array(10).keys()].map((i) => ({
      id: `b${i}`,
      createdAt: new Date(Date.parse('2026-11-20T00:00:00Z') + i * 43_200_000).toISOString(),
    }));
    const rule = parseKeep('1,3d');
    expect(rule).toBeDefined();
    if (rule !== undefined) expect([...kept(backups, rule)].toSorted()).toEqual(['b5', 'b7', 'b9']);
  });
});
