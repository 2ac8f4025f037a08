import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
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
  await target.close();
  expect(await readdir(folder)).toEqual(['mine.txt']);
  await rm(folder, { recursive: true });
});

it('leaves alone what another one writes, when it is opened and read', async () => {
  const folder = await emptyFolder();
  await writeFile(join(folder, '.incoming-0123'), 'being written by a backup');
  const target = await DirectoryBackupTarget.open(folder);
  expect(await target.list('')).toEqual([]);
  await target.close();
  expect(await readdir(folder)).toEqual(['.incoming-0123']);
  await rm(folder, { recursive: true });
});

it('that vanishes midway, or that another folder takes the place of, is written to no more and not called damaged', async () => {
  const folder = await emptyFolder();
  const target = await DirectoryBackupTarget.open(folder);
  const file = join(folder, '../shiplog-backup-file');
  await writeFile(file, 'content');
  await target.put('objects/ab/one', file);
  const all = () => [
    target.put('objects/cd/two', file),
    target.read('objects/ab/one'),
    target.list('objects/'),
    target.remove('objects/ab/one'),
  ];
  await rename(folder, `${folder}-away`);
  for (const doing of all()) {
    await expect(doing).rejects.toMatchObject({ code: 'backup-target-unavailable' });
  }
  await mkdir(folder);
  for (const doing of all()) {
    await expect(doing).rejects.toMatchObject({ code: 'backup-target-unavailable' });
  }
  expect(await readdir(folder)).toEqual([]);
  await target.close();
  for (const path of [folder, `${folder}-away`, file]) await rm(path, { recursive: true });
});
