import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface SampleTarget {
  readonly apiUrl: string;
  readonly gitUrl: string;
  readonly token: string;
}

const SAMPLE = fileURLToPath(new URL('../../../samples/hello', import.meta.url));
const APP = 'hello';

/** Deploys the sample the way a user would: creates the app, commits, pushes. Output goes to the terminal. */
export const deploySample = async (target: SampleTarget): Promise<void> => {
  await createApp(target);
  const folder = await mkdtemp(join(tmpdir(), 'shiplog-sample-'));
  try {
    await cp(SAMPLE, folder, { recursive: true });
    const identity = ['-c', 'user.name=Shiplog', '-c', 'user.email=sample@shiplog.invalid'];
    await git(folder, ['init', '--quiet', '--initial-branch', 'main']);
    await git(folder, ['add', '--all']);
    await git(folder, [...identity, 'commit', '--quiet', '--message', 'The sample app']);
    await git(folder, ['push', `${target.gitUrl}/${APP}.git`, 'main'], withToken(target.token));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const createApp = async ({ apiUrl, token }: SampleTarget): Promise<void> => {
  const answer = await fetch(`${apiUrl}/v1/apps`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': `sample-${APP}`,
      'shiplog-reason': encodeURIComponent('the sample of the first start'),
    },
    body: JSON.stringify({ name: APP }),
  });
  if (!answer.ok && answer.status !== 409) {
    throw new Error(
      `creating the sample app: the api answered ${answer.status} ${await answer.text()}`,
    );
  }
};

/**
 * Through the environment: an argument list is readable by every user of the machine. Without the proxy that
 * the environment may name: the api listens on this machine.
 */
const withToken = (token: string): NodeJS.ProcessEnv => ({
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'http.extraHeader',
  GIT_CONFIG_VALUE_0: `Authorization: Basic ${Buffer.from(`x:${token}`).toString('base64')}`,
  GIT_CONFIG_KEY_1: 'http.proxy',
  GIT_CONFIG_VALUE_1: '',
});

const git = (folder: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn('git', args, {
      cwd: folder,
      env: { ...process.env, GIT_TERMINAL_PROMPT: '0', ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.on('error', (cause) => reject(new Error('running git', { cause })));
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`git ${args[0] === '-c' ? 'commit' : args[0]} ended with ${code}`));
    });
  });
