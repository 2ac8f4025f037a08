import { readFile } from 'node:fs/promises';

/** Alive, not this process, and a Node.js program: after a reboot the number may belong to somebody else. */
export const isLivingControlPlane = async (pid: number): Promise<boolean> => {
  if (pid === process.pid || !Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  // A process that ended but was not waited for has an empty command line.
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => 'node');
  return /node|npm/.test(line);
};
