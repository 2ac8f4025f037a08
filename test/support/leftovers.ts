import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { TestPlatform } from './platform.js';

/** Runs once before the tests of a level: what an earlier run left that was killed, goes. */
export const setup = async (): Promise<void> => {
  const folders = (await readdir(tmpdir())).filter((name) => name.startsWith('shiplog-'));
  for (const folder of folders) {
    const platform = await TestPlatform.abandoned(join(tmpdir(), folder));
    if (platform === undefined) continue;
    console.error(`removing what an earlier run left in ${basename(platform.home)}`);
    await platform.destroy();
  }
};
