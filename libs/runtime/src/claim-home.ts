import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isLivingControlPlane } from './living-control-plane.js';

export interface Claim {
  release(): Promise<void>;
}

/**
 * Takes a home for this process, or names the process that has it. Two control planes that start at the
 * same moment both see no `ready.json`: what only one of them can make is this file.
 */
export const claimHome = async (home: string): Promise<Claim | { readonly takenBy: number }> => {
  const file = join(home, 'control-plane.pid');
  const own = `${file}.${process.pid}`;
  await writeFile(own, String(process.pid), { mode: 0o600 });
  try {
    for (;;) {
      if (await isLinked(own, file)) return { release: () => rm(file, { force: true }) };
      const holder = Number(await readFile(file, 'utf8').catch(() => '0'));
      if (await isLivingControlPlane(holder)) return { takenBy: holder };
      // Left by a process that was killed.
      await rm(file, { force: true });
    }
  } finally {
    await rm(own, { force: true });
  }
};

/** A link appears whole, with its content, and only where there is none. */
const isLinked = async (from: string, to: string): Promise<boolean> => {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
};
