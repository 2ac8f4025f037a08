import { execFile } from 'node:child_process';
import { usageError } from './exit-code.js';
import type { Io } from './io.js';

const NAMED_REMOTE = 'shiplog';

/** The app that is meant: `-a`, else SHIPLOG_APP, else the git remote of the directory. */
export const resolveApp = async (option: string | undefined, io: Io): Promise<string> => {
  const given = option ?? (io.env['SHIPLOG_APP'] || undefined);
  if (given !== undefined) {
    // What cannot be a name is said here: as part of an address it would mean something else.
    if (given.trim() === '' || given === '.' || given === '..') {
      throw usageError(`"${given}" is not the name of an app`, 'Your apps: shiplog apps list');
    }
    return given;
  }
  const apps = appsOfRemotes(await gitRemotes(io));
  if (apps.length === 1 && apps[0] !== undefined) return apps[0];
  const ways = 'Name it with -a APP or SHIPLOG_APP. Your apps: shiplog apps list';
  if (apps.length > 1) {
    throw usageError(
      `this repository has remotes of several apps (${apps.join(', ')}); which one?`,
      ways,
    );
  }
  throw usageError(
    'which app?',
    `${ways}\nOr in a git repository, once and for all: shiplog git remote -a APP`,
  );
};

/** `<base>/git/<app>.git`, with or without user and password in it. */
const REMOTE_URL = /^https?:\/\/[^\s]+\/git\/([a-z][a-z0-9-]{0,39})\.git\/?$/;

/** Apps of the remotes that `git config --get-regexp` listed; the remote named `shiplog` alone, if it is one. */
export const appsOfRemotes = (listing: string): string[] => {
  const apps = new Set<string>();
  for (const line of listing.split('\n')) {
    const [key = '', url = ''] = line.split(/\s+/, 2);
    const app = REMOTE_URL.exec(url)?.[1];
    if (app === undefined) continue;
    if (key === `remote.${NAMED_REMOTE}.url`) return [app];
    apps.add(app);
  }
  return [...apps];
};

/** Empty where there is no git, no repository or no remote: then there is nothing to learn. */
const gitRemotes = ({ cwd, env }: Io): Promise<string> =>
  new Promise((resolve) => {
    execFile(
      'git',
      ['config', '--get-regexp', '^remote\\..*\\.url$'],
      { cwd, env: { ...env }, encoding: 'utf8', timeout: 10_000 },
      (error, stdout) => resolve(error === null ? stdout : ''),
    );
  });
