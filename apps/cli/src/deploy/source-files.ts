import { lstat, readlink, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { CliError, EXIT, usageError } from '../exit-code.js';
import { readGitSource } from './git-source.js';
import { walk } from './walk.js';

export type SourceEntry =
  | { readonly kind: 'file'; readonly path: string; readonly bytes: number; readonly mode: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

export interface SourceTree {
  /** Absolute, without links. */
  readonly root: string;
  /** By path, so that the same files make the same archive. */
  readonly entries: readonly SourceEntry[];
  readonly bytes: number;
  readonly commit: string | null;
  readonly branch: string | null;
  /** What was left out although nobody asked for it, and why. */
  readonly leftOut: readonly string[];
}

/** What of a directory is its source: what git would take, or all that no ignore file leaves out. */
export const readSourceTree = async (directory: string, cwd: string): Promise<SourceTree> => {
  const root = await realDirectory(resolve(cwd, directory), directory);
  const { files, commit, branch } = await readGitSource(root);
  const entries: SourceEntry[] = [];
  const leftOut: string[] = [];
  for (const path of [...new Set(files ?? (await walk(root)))].toSorted(byBytes)) {
    const entry = await entryOf(root, path);
    if (typeof entry === 'string') leftOut.push(entry);
    else if (entry !== undefined) entries.push(entry);
  }
  if (entries.length === 0) {
    throw usageError(
      `${root} holds nothing to deploy`,
      'Go to the directory of your app, or name it: shiplog deploy DIR',
    );
  }
  const bytes = entries.reduce((sum, entry) => sum + (entry.kind === 'file' ? entry.bytes : 0), 0);
  return { root, entries, bytes, commit, branch, leftOut };
};

const realDirectory = async (path: string, given: string): Promise<string> => {
  try {
    const root = await realpath(path);
    if ((await lstat(root)).isDirectory()) return root;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') {
      throw new CliError(EXIT.failed, 'directory-unreadable', `cannot read ${given}`, { cause });
    }
  }
  throw usageError(
    `${given} is not a directory`,
    'An image is deployed with: shiplog deploy --image REF',
  );
};

/** An entry, why it is left out, or undefined for a file that is in git's index and no more on disk. */
const entryOf = async (root: string, path: string): Promise<SourceEntry | string | undefined> => {
  const full = join(root, path);
  const stats = await lstat(full).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (stats === undefined || stats.isDirectory()) return undefined;
  if (stats.isFile()) {
    return {
      kind: 'file',
      path,
      bytes: stats.size,
      mode: (stats.mode & 0o111) === 0 ? 0o644 : 0o755,
    };
  }
  if (!stats.isSymbolicLink()) return `${path}: neither a file nor a link`;
  const target = await readlink(full);
  return isInside(root, full, target)
    ? { kind: 'link', path, target }
    : `${path}: a link that leads out of the directory (${target})`;
};

/** Links stay links; one that leads out would take along what nobody meant to publish. */
const isInside = (root: string, link: string, target: string): boolean => {
  if (isAbsolute(target)) return false;
  const from = relative(root, resolve(dirname(link), target));
  return from !== '..' && !from.startsWith(`..${sep}`);
};

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
