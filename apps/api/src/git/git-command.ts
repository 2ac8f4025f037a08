import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';

export class GitError extends Error {
  readonly code = 'git-failed';
  constructor(doing: string, options?: ErrorOptions) {
    super(doing, options);
    this.name = 'GitError';
  }
}

/** Bytes of one pack: a push that is larger is refused by git while it arrives. */
const PACK_BYTES_MAX = 1024 ** 3;

/**
 * Settings of every git we start. They come by environment, so that a repository's own config file
 * cannot change them and an administrator's `~/.gitconfig` does not.
 */
const settingsFor = (hooks: string | undefined): readonly (readonly [string, string])[] => [
  // Ours and nobody else's: a hook in a repository is a program that somebody pushed.
  ['core.hooksPath', hooks ?? '/dev/null'],
  ['safe.directory', '*'],
  ['http.receivepack', 'true'],
  ['http.getanyfile', 'false'],
  ['transfer.fsckObjects', 'true'],
  // Harmless faults of old histories; refusing them would lock real projects out for good.
  ['receive.fsck.zeroPaddedFilemode', 'warn'],
  ['receive.fsck.badTimezone', 'warn'],
  ['receive.fsck.missingSpaceBeforeDate', 'warn'],
  ['receive.maxInputSize', String(PACK_BYTES_MAX)],
  ['receive.advertisePushOptions', 'true'],
  // The deployed branches are moved by our proc-receive hook: see `branch.ts`.
  ['receive.procReceiveRefs', 'refs/heads/main'],
  ['receive.procReceiveRefs', 'refs/heads/master'],
  // Which branches may go is decided in `decide-push.ts`.
  ['receive.denyDeleteCurrent', 'ignore'],
  ['protocol.allow', 'never'],
];

/** The whole environment of a git process: nothing of ours is inherited but PATH. */
export const gitEnvironment = (
  more: Readonly<Record<string, string>> = {},
  hooks?: string,
): Record<string, string> => {
  const settings = settingsFor(hooks);
  return {
    PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    LC_ALL: 'C',
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], i) => [
        [`GIT_CONFIG_KEY_${i}`, key],
        [`GIT_CONFIG_VALUE_${i}`, value],
      ]),
    ),
    ...more,
  };
};

export interface RunningGit {
  readonly stdout: Readable;
  /** Settles when it ended well; rejects with `GitError`. */
  readonly ended: Promise<void>;
  kill(): void;
}

const STDERR_CHARACTERS_MAX = 2_000;

/** Starts git with an argv array. Arguments are ours: constants, paths, hexadecimal object names. */
export const startGit = (
  args: readonly string[],
  environment: Record<string, string> = gitEnvironment(),
): RunningGit => {
  const child = spawn('git', args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  return {
    stdout: child.stdout,
    ended: endOf(child, `git ${args.join(' ')}`),
    kill: () => child.kill(),
  };
};

export const endOf = (child: ChildProcess, doing: string): Promise<void> => {
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (stderr.length < STDERR_CHARACTERS_MAX) stderr += chunk.toString('utf8');
  });
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new GitError(doing, { cause })));
    child.once('close', (exitCode, signal) => {
      if (exitCode === 0) return resolve();
      const how = signal ?? `exit code ${exitCode}`;
      const cause = new Error(`${how} ${stderr.slice(0, STDERR_CHARACTERS_MAX).trim()}`);
      reject(new GitError(doing, { cause }));
    });
  });
};

/** What git prints, at most `charactersMax`: nothing that is pushed may fill our memory. */
export const readGit = async (
  args: readonly string[],
  environment?: Record<string, string>,
  charactersMax = 64 * 1024,
): Promise<string> => {
  const git = startGit(args, environment);
  let text = '';
  git.stdout.on('data', (chunk: Buffer) => {
    if (text.length < charactersMax) text += chunk.toString('utf8');
  });
  await git.ended;
  return text.slice(0, charactersMax);
};
