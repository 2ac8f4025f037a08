import { SOURCE_ENTRIES_MAX, type SourceStore } from '@shiplog/sources';
import { gitEnvironment, readGit, startGit } from './git-command.js';
import { printable } from './decide-push.js';

/** A commit in a repository, with the quarantine where it lies until the push is accepted. */
export interface PushedCommit {
  readonly repository: string;
  readonly commit: string;
  /** `GIT_OBJECT_DIRECTORY` and so on, as git gave them to the hook; no other process can see in there. */
  readonly quarantine: Readonly<Record<string, string>>;
}

const COMMIT_PATTERN = /^[0-9a-f]{40,64}$/;

/** Why this cannot be a source, in words for the pusher; undefined when it can. */
export const faultOf = async (pushed: PushedCommit): Promise<string | undefined> => {
  const type = await readGit(
    [...inRepository(pushed), 'cat-file', '-t', pushed.commit],
    gitEnvironment(pushed.quarantine),
  );
  if (type.trim() === 'tag') {
    return 'a branch names a commit, and this is an annotated tag; push the commit that it names: git push <remote> "TAG^{commit}:refs/heads/main"';
  }
  if (type.trim() !== 'commit') return `a branch names a commit, and this is a ${type.trim()}`;
  if (await hasMoreEntries(pushed, SOURCE_ENTRIES_MAX)) {
    return `the commit has more than ${SOURCE_ENTRIES_MAX} files and folders; leave out what can be made again, such as node_modules`;
  }
  return undefined;
};

/**
 * Counted before the archive is made: a pack of a few kilobytes can name the same folder in itself a
 * billion times, and `git archive` takes memory for each one before it writes the first byte.
 */
const hasMoreEntries = async (pushed: PushedCommit, limit: number): Promise<boolean> => {
  const git = startGit(
    [...inRepository(pushed), 'ls-tree', '-r', '-t', '-z', '--name-only', pushed.commit],
    gitEnvironment(pushed.quarantine),
  );
  // Ended by us it says so; that it was is the answer.
  git.ended.catch(() => undefined);
  let entries = 0;
  for await (const chunk of git.stdout as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(0); at !== -1; at = chunk.indexOf(0, at + 1)) entries += 1;
    if (entries <= limit) continue;
    git.kill();
    return true;
  }
  await git.ended;
  return false;
};

/** Stores the tree of a commit as a tar archive, named by its digest. The same commit gives the same bytes. */
export const storeSource = async (
  pushed: PushedCommit,
  sources: SourceStore,
): Promise<{ digest: string; bytes: number }> => {
  const git = startGit(
    [...inRepository(pushed), 'archive', '--format=tar', pushed.commit],
    gitEnvironment(pushed.quarantine),
  );
  const [stored] = await Promise.all([
    sources.put(git.stdout).catch((error: unknown) => {
      git.kill();
      throw error;
    }),
    git.ended,
  ]);
  return stored;
};

/** First line of the commit message, or null where it has none. */
export const subjectOf = async (pushed: PushedCommit): Promise<string | null> => {
  const args = [...inRepository(pushed), 'show', '--no-patch', '--format=%s', pushed.commit];
  const text = await readGit(args, gitEnvironment(pushed.quarantine), 4096);
  const subject = printable(text.trim()).slice(0, 200);
  return subject === '' ? null : subject;
};

/** What git keeps outside the commit, and so is not in the source. */
export const missingParts = async (pushed: PushedCommit): Promise<readonly string[]> => {
  const environment = gitEnvironment(pushed.quarantine);
  const tree = [...inRepository(pushed), 'ls-tree', '--name-only', pushed.commit];
  const names = await readGit([...tree, '--', '.gitmodules', '.gitattributes'], environment);
  const notes: string[] = [];
  if (names.includes('.gitmodules')) {
    notes.push(
      'this commit uses submodules: their folders are empty here; vendor what the build needs',
    );
  }
  if (names.includes('.gitattributes')) {
    const attributes = [
      ...inRepository(pushed),
      'cat-file',
      'blob',
      `${pushed.commit}:.gitattributes`,
    ];
    if ((await readGit(attributes, environment)).includes('filter=lfs')) {
      notes.push('this commit uses git LFS: its large files are pointers here, not their content');
    }
  }
  return notes;
};

const inRepository = ({ repository, commit }: PushedCommit): readonly string[] => {
  if (!COMMIT_PATTERN.test(commit)) throw new Error('a commit is 40 to 64 hexadecimal digits');
  return ['--git-dir', repository];
};
