import { readFile } from 'node:fs/promises';
import type { Daemon } from './platform.js';

/** Workers of nginx do not carry the home in their arguments, and outlive a master that is killed. */
export const childrenOf = async (pid: number): Promise<readonly Daemon[]> => {
  const pids = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return Promise.all(
    pids
      .trim()
      .split(' ')
      .filter((text) => text !== '')
      .map(async (text) => ({
        pid: Number(text),
        line: await readFile(`/proc/${text}/cmdline`, 'utf8').catch(() => ''),
      })),
  );
};
