import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addEarlier, readEarlier } from './earlier.js';
import type { NginxPaths } from './files.js';

describe('the workers of an nginx whose master was killed', () => {
  let directory: string;
  let paths: NginxPaths;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'earlier-'));
    paths = { earlier: join(directory, 'nginx.earlier') } as NginxPaths;
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('are those of every master before that still live', async () => {
    await addEarlier(paths, [process.pid]);
    expect(await addEarlier(paths, [process.ppid])).toEqual([process.pid, process.ppid]);
    expect((await readEarlier(paths))?.pids).toEqual([process.pid, process.ppid]);
  });

  it.each(['', '{"sinceMs":1,"known":[{"pid', '{"sinceMs":1}'])(
    'are none, and stop no round, where a power cut left %j of their file',
    async (text) => {
      await writeFile(paths.earlier, text);
      expect(await readEarlier(paths)).toBeUndefined();
      await expect(access(paths.earlier)).rejects.toMatchObject({ code: 'ENOENT' });
      await writeFile(paths.earlier, text);
      expect(await addEarlier(paths, [process.pid])).toEqual([process.pid]);
    },
  );
});
