import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { BackupError } from '../backup-error.js';

/** Nothing of the machine's own settings, and no program that somebody pushed. */
const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'core.hooksPath',
  GIT_CONFIG_VALUE_0: '/dev/null',
  GIT_CONFIG_KEY_1: 'safe.directory',
  GIT_CONFIG_VALUE_1: '*',
});

export interface RunningGit {
  readonly output: Readable;
  /** Rejects when it ended badly, with what it said. */
  readonly ended: Promise<void>;
}

/** Starts git with an argv array; arguments are constants, paths and object names. */
export const startGit = (args: readonly string[], input: string | Readable = ''): RunningGit => {
  const child = spawn('git', args, { env: environment() });
  // One that ends early reads no more; why it ended says `ended`.
  child.stdin.on('error', () => undefined);
  if (typeof input === 'string') child.stdin.end(input);
  else {
    input.once('error', (error) => child.stdin.destroy(error));
    input.pipe(child.stdin);
  }
  const said = text(child.stderr);
  const ended = new Promise<void>((resolve, reject) => {
    const fail = (cause: unknown): void =>
      reject(
        new BackupError('repository-unreadable', `git ${args.slice(0, 4).join(' ')}`, { cause }),
      );
    child.once('error', fail);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else void said.then((words) => fail(new Error(words.trim().slice(-500))), fail);
    });
  });
  ended.catch(() => undefined);
  return { output: child.stdout, ended };
};

/** Runs git to its end and gives what it printed. */
export const readGit = async (
  args: readonly string[],
  input?: string | Readable,
): Promise<string> => {
  const git = startGit(args, input);
  const [printed] = await Promise.all([text(git.output), git.ended]);
  return printed;
};
