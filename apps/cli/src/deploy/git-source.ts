import { execFile } from 'node:child_process';
import { walk } from './walk.js';

/** What git knows of a directory that is deployed. */
interface GitSource {
  /** Files git tracks or would track, relative to the directory; undefined where git knows nothing. */
  readonly files: readonly string[] | undefined;
  /** The commit, when the directory is exactly that commit. */
  readonly commit: string | null;
  readonly branch: string | null;
}

const NO_GIT: GitSource = { files: undefined, commit: null, branch: null };

export const readGitSource = async (directory: string): Promise<GitSource> => {
  const listing = await git(directory, [
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
    '--deduplicate',
  ]);
  if (listing === undefined) return NO_GIT;
  const listed = listing.split('\0').filter((path) => path !== '');
  // A directory that its repository ignores (or an empty one) is not described by it.
  if (listed.length === 0) return NO_GIT;
  const [files, isWhole, status, commit, branch] = await Promise.all([
    expand(directory, listed),
    git(directory, ['rev-parse', '--show-prefix']),
    git(directory, ['status', '--porcelain', '-z']),
    git(directory, ['rev-parse', '--verify', '--quiet', 'HEAD']),
    git(directory, ['symbolic-ref', '--short', '--quiet', 'HEAD']),
  ]);
  // With changes on top, naming the commit would be a lie.
  const isCommit = isWhole?.trim() === '' && status === '';
  return {
    files,
    commit: isCommit ? commit?.trim() || null : null,
    branch: isCommit ? branch?.trim() || null : null,
  };
};

/** A repository inside of the repository is listed as its directory: its files are wanted. */
const expand = async (directory: string, listed: readonly string[]): Promise<string[]> => {
  const files: string[] = [];
  for (const path of listed) {
    if (path.endsWith('/')) files.push(...(await walk(directory, path)));
    else files.push(path);
  }
  return files;
};

/** Undefined when git is missing or says no: then the directory is read without it. */
const git = (cwd: string, args: readonly string[]): Promise<string | undefined> =>
  new Promise((resolve) => {
    // What the source is must not depend on a GIT_DIR that a hook or an editor left behind.
    const { GIT_DIR: _dir, GIT_INDEX_FILE: _index, GIT_WORK_TREE: _tree, ...env } = process.env;
    execFile(
      'git',
      [...args],
      { cwd, env, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 },
      (error, stdout) => resolve(error === null ? stdout : undefined),
    );
  });
