import { readFile, rename, rm, writeFile } from 'node:fs/promises';

/** What scripts and people wait for: where the running platform is. Readers check that `pid` lives. */
export interface Ready {
  readonly api: string;
  readonly console: string;
  readonly router: string;
  readonly git: string;
  readonly pid: number;
  readonly version: string;
}

export const writeReady = async (file: string, ready: Ready): Promise<void> => {
  await writeFile(`${file}.new`, `${JSON.stringify(ready)}\n`, { mode: 0o644 });
  await rename(`${file}.new`, file);
};

export const removeReady = (file: string): Promise<void> => rm(file, { force: true });

/** The platform that runs on this home, if its process is alive. */
export const findRunning = async (file: string): Promise<Ready | undefined> => {
  try {
    const ready = JSON.parse(await readFile(file, 'utf8')) as Ready;
    return (await isOurs(ready.pid)) ? ready : undefined;
  } catch {
    return undefined;
  }
};

/** Alive and a Node.js process: after a reboot the number may belong to somebody else. */
const isOurs = async (pid: number): Promise<boolean> => {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const name = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => 'node');
  return /node|npm/.test(name);
};
