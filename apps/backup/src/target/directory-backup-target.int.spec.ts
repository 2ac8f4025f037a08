import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeBackupTarget } from './backup-target.contract.js';
import { DirectoryBackupTarget } from './directory-backup-target.js';

const emptyFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'shiplog-backup-directory-'));

describeBackupTarget('DirectoryBackupTarget', async () => {
  const folder = await emptyFolder();
  return {
    target: await DirectoryBackupTarget.open(folder),
    clear: () => rm(folder, { recursive: true, force: true }),
  };
});

it('never makes the folder itself: its disk may not be mounted', async () => {
  await expect(DirectoryBackupTarget.open('/nonexistent/backups')).rejects.toMatchObject({
    code: 'backup-target-unavailable',
    message: expect.stringContaining('mount') as string,
  });
});

it('clears away what a killed run left half written when it is told to, and nothing else', async () => {
  const folder = await emptyFolder();
  await writeFile(join(folder, '.incoming-0123'), 'half');
  await writeFile(join(folder, 'mine.txt'), 'somebody else put it here');
  const target = await DirectoryBackupTarget.open(folder);
  await target.removeLeftovers();
  expect(await readdir(folder)).toEqual(['mine.txt']);
  await rm(folder, { recursive: true });
});

it('leaves alone what another one writes, when it is opened and read', async () => {
  const folder = await emptyFolder();
  await writeFile(join(folder, '.incoming-0123'), 'being written by a backup');
  const target = await DirectoryBackupTarget.open(folder);
  expect(await target.list('')).toEqual([]);
  expect(await readdir(folder)).toEqual(['.incoming-0123']);
  await rm(folder, { recursive: true });
});
