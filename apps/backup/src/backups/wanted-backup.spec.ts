import { describe, expect, it } from 'vitest';
import type { BackupState } from '@shiplog/domain';
import { wantedBackup } from './wanted-backup.js';

const made = (backupId: string, target: string, outcome = 'succeeded') =>
  ({ backupId, target, outcome }) as BackupState['backups'][number];
const state: Pick<BackupState, 'backups' | 'policy'> = {
  backups: [made('1', '/a'), made('2', '/b'), made('3', '/a'), made('4', '/b', 'failed')],
  policy: { schedule: 'off', target: '/policy', keep: null },
};
const none = { ...state, backups: [] };
const newestAt = (place: string) => Promise.resolve(`newest at ${place}`);

describe('the backup that somebody means', () => {
  it.each([
    [{}, '3', '/a'],
    [{ target: '/b' }, '2', '/b'],
    [{ target: '/c' }, 'newest at /c', '/c'],
    [{ backupId: '1' }, '1', '/a'],
    [{ backupId: '1', target: '/b' }, '1', '/b'],
    [{ backupId: 'unknown' }, 'unknown', '/policy'],
  ])('with %j is %s at %s', async (asked, backupId, target) => {
    expect(await wantedBackup(state, asked, newestAt)).toEqual({ backupId, target });
  });

  it('is none where none was ever made', async () => {
    await expect(wantedBackup(none, {}, newestAt)).rejects.toMatchObject({
      code: 'backup-not-found',
    });
    expect(await wantedBackup(none, { target: '/c' }, newestAt)).toMatchObject({ target: '/c' });
  });
});
