import { execFile } from 'node:child_process';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { isLoopback } from '../connection/resolve-connection.js';
import { CliError, EXIT, usageError } from '../exit-code.js';
import type { Io } from '../io.js';
import { printableLine } from '../render/printable.js';

interface RemoteOptions {
  readonly name?: string;
}

const remote = defineCommand<RemoteOptions>({
  name: 'remote',
  summary: 'add the git remote of an app to this repository',
  details:
    'Also tells git to ask this program for the password, so that no token lies in the repository. ' +
    'Pushing main or master deploys; other branches are stored and not deployed.',
  examples: [
    ['git remote -a shop', 'then: git push shiplog main'],
    ['git remote -a shop --name production', 'then: git push production main'],
  ],
  options: [{ flags: '--name <remote>', help: 'what to call the remote (default: shiplog)' }],
  takes: ['app'],
  run: async (invocation) => {
    const { client, io, out, options } = invocation;
    const name = parseRemoteName(options.name ?? 'shiplog');
    const app = await invocation.app();
    await requireRepository(io);
    const { gitUrl, name: appName } = await (await client()).apps.show(app, {});
    const url = parseGitUrl(gitUrl);
    await setRemote(io, name, url);
    await setCredentialHelper(io, url);
    await setProxy(io, name, url);
    out.json({ app: appName, remote: name, url });
    out.line(printableLine(`Remote ${name} is ${url}.`));
    out.line(`Deploy with: git push ${name} ${(await currentBranch(invocation)) ?? 'main'}`);
  },
});

const parseRemoteName = (name: string): string => {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$/.test(name)) return name;
  throw usageError(
    `"${name}" cannot be the name of a remote`,
    'Letters, digits and "._-" are fine.',
  );
};

/** The address comes from the server and goes into git's configuration: nothing but an address passes. */
const parseGitUrl = (text: string): string => {
  if (/^https?:\/\/[A-Za-z0-9.:[\]-]+\/[A-Za-z0-9._~/-]+\.git$/.test(text)) return text;
  throw new CliError(
    EXIT.failed,
    'git-url-unusable',
    'the server sent an address that git cannot use',
  );
};

const requireRepository = async (io: Io): Promise<void> => {
  const inside = await git(io, ['rev-parse', '--git-dir']);
  if (inside.code === 'ENOENT') {
    throw new CliError(EXIT.failed, 'git-missing', 'git is not installed', {
      remedy: 'Install git, or deploy without it: shiplog deploy',
    });
  }
  if (inside.code !== 0) {
    throw usageError(
      `${io.cwd} is not in a git repository`,
      'Make it one with `git init`, or deploy without git: shiplog deploy',
    );
  }
};

const setRemote = async (io: Io, name: string, url: string): Promise<void> => {
  const current = await git(io, ['config', '--local', '--get', `remote.${name}.url`]);
  if (current.code !== 0) await mustGit(io, ['remote', 'add', name, url]);
  else if (current.stdout.trim() === url) return;
  else if (/\/git\/[a-z0-9-]+\.git$/.test(current.stdout.trim())) {
    await mustGit(io, ['remote', 'set-url', name, url]);
  } else {
    throw new CliError(
      EXIT.conflict,
      'remote-exists',
      `the repository has a remote "${name}" already: ${current.stdout.trim()}`,
      {
        remedy: 'Choose another name: shiplog git remote --name production',
      },
    );
  }
};

/** Only for this one server, and before it the empty helper: no other one shall store or offer a password for it. */
const setCredentialHelper = async (io: Io, url: string): Promise<void> => {
  const { origin } = new URL(url);
  const key = `credential.${origin}.helper`;
  // git runs what follows `!` in a shell, hence the quotes.
  const helper = `!${quoteForShell(io.executable)} git-credential`;
  await mustGit(io, ['config', '--local', '--replace-all', key, '']);
  await mustGit(io, ['config', '--local', '--add', key, helper]);
};

/** With http_proxy in the environment git would ask the proxy for this machine, which is another one there. */
const setProxy = async (io: Io, name: string, url: string): Promise<void> => {
  const key = `remote.${name}.proxy`;
  if (isLoopback(url)) return mustGit(io, ['config', '--local', key, '']);
  // Ours, of when the remote was on this machine; a proxy that somebody named stays.
  const current = await git(io, ['config', '--local', '--get', key]);
  if (current.code === 0 && current.stdout.trim() === '')
    await mustGit(io, ['config', '--local', '--unset-all', key]);
};

const quoteForShell = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const currentBranch = async ({ io }: Invocation): Promise<string | undefined> => {
  const branch = (await git(io, ['symbolic-ref', '--short', '--quiet', 'HEAD'])).stdout.trim();
  if (branch === '') return undefined;
  return branch === 'main' || branch === 'master' ? branch : `${branch}:main`;
};

interface GitResult {
  /** Exit code, or ENOENT where there is no git. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

const git = ({ cwd, env }: Io, args: readonly string[]): Promise<GitResult> =>
  new Promise((resolve) => {
    execFile(
      'git',
      [...args],
      { cwd, env: { ...env }, encoding: 'utf8' },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : (error.code ?? 1), stdout, stderr }),
    );
  });

const mustGit = async (io: Io, args: readonly string[]): Promise<void> => {
  const { code, stderr } = await git(io, args);
  if (code !== 0) throw new CliError(EXIT.failed, 'git-failed', `git ${args[0]}: ${stderr.trim()}`);
};

export const gitCommands: GroupSpec = {
  name: 'git',
  summary: 'set up this repository for git push',
  commands: [remote],
};
