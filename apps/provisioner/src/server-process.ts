import { spawn } from 'node:child_process';
import { open, readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathsOf } from '@shiplog/runtime';
import { pidFileOf } from './write-nats-config.js';

/** Exit code of flock(1) when another process holds the lock. */
const LOCKED = 75;

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/**
 * The nats-server that runs with our configuration file, whoever started it. The pid file alone proves
 * nothing: after a reboot its number may be anybody's.
 */
export const findServerProcess = async (home: string): Promise<number | undefined> => {
  const written = Number(await readFile(pidFileOf(home), 'utf8').catch(() => ''));
  const others = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of [written, ...others.map(Number)]) {
    if (pid > 0 && (await isOurs(pid, home))) return pid;
  }
  return undefined;
};

const isOurs = async (pid: number, home: string): Promise<boolean> => {
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const args = line.split('\0');
  return args[1] === '-c' && args[2] === pathsOf(home).natsConfig;
};

export interface StartedServer {
  readonly pid: number;
  /** Settles when it ended: `locked` when another server holds the data directory. */
  readonly ended: Promise<'locked' | 'failed'>;
}

/**
 * Starts nats-server detached, in a session of its own, so that Ctrl-C and the end of this process leave
 * it running. flock(1) becomes the server and hands it the lock, which the kernel keeps exactly as long as
 * the server lives: two servers on one store silently lose acknowledged commits.
 */
export const spawnServer = async (
  home: string,
  binary: string,
  outputFile: string,
): Promise<StartedServer> => {
  const { natsConfig } = pathsOf(home);
  const lockFile = join(dirname(natsConfig), 'lock');
  const output = await open(outputFile, 'a', 0o600);
  try {
    // A killed server holds its lock a moment longer than its name in the process table.
    const args = ['--timeout', '2', '--conflict-exit-code', String(LOCKED), '--no-fork', lockFile];
    const child = spawn('flock', [...args, binary, '-c', natsConfig], {
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
    });
    const ended = new Promise<'locked' | 'failed'>((resolve) => {
      child.once('exit', (code) => resolve(code === LOCKED ? 'locked' : 'failed'));
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    return { pid: child.pid ?? 0, ended };
  } finally {
    await output.close();
  }
};

/** SIGTERM, and SIGKILL when it does not end in time. Every acknowledged commit is on disk already. */
export const stopServerProcess = async (pid: number, graceMs = 10_000): Promise<void> => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!isAlive(pid)) return;
    process.kill(pid, signal);
    const deadline = performance.now() + graceMs;
    while (isAlive(pid) && performance.now() < deadline) await delay(10);
  }
};
