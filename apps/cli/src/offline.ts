import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import type { Io } from './io.js';

/**
 * Runs a program of the server side in a process of its own, on this machine and while no control plane
 * runs: for what needs the data directory itself and not the API. Its exit code is ours.
 */
export const runOffline = (
  io: Io,
  process_: 'provisioner' | 'backup',
  args: readonly string[],
): Promise<number> =>
  new Promise((resolve, reject) => {
    const program = join(dirname(io.executable), 'apps', process_, 'dist/main.js');
    const child = spawn(process.execPath, [program, ...args], {
      env: io.env,
      stdio: 'inherit',
      signal: io.signal,
    });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
