import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ContentStore } from '../content/content-store.js';
import type { SavedRepository } from '../content/manifest.js';
import { readGit, startGit } from './git.js';

/** Pack upon pack makes a restore slow: after so many one of everything is made. */
const PACKS_MAX = 20;

type Refs = Readonly<Record<string, string>>;

/**
 * Saves one bare repository: its refs as they are in one moment, and a pack of what is new since the
 * backup before. Undefined where there is none: nothing was pushed to the app.
 */
export const saveRepository = async (
  store: ContentStore,
  folder: string,
  appId: string,
  base: SavedRepository | undefined,
): Promise<SavedRepository | undefined> => {
  const path = join(folder, `${appId}.git`);
  const head = await headOf(path);
  if (head === undefined) return undefined;
  const refs = await refsOf(path);
  const { packs, saved } = reusedOf(store, base);
  const tips = new Set(Object.values(refs));
  const isNew = [...tips].some((tip) => !saved.has(tip));
  if (!isNew) return { appId, head, refs, packs: tips.size === 0 ? [] : packs };
  if (packs.length > 0 && packs.length < PACKS_MAX) {
    const pack = await savePack(store, path, tips, saved).catch(() => undefined);
    if (pack !== undefined) return { appId, head, refs, packs: [...packs, pack] };
    // What was saved is there no more, after a forced push: one of everything.
  }
  return { appId, head, refs, packs: [await savePack(store, path, tips, new Set())] };
};

/** What of the backup before is still there, and which commits it holds. */
const reusedOf = (store: Parameters<typeof savePack>[0], base: SavedRepository | undefined) => {
  const isThere = base?.packs.every((pack) => store.reuse(pack)) ?? false;
  const packs = isThere ? (base?.packs ?? []) : [];
  return { packs, saved: new Set(packs.length === 0 ? [] : Object.values(base?.refs ?? {})) };
};

const headOf = async (path: string): Promise<string | undefined> => {
  const text = await readFile(join(path, 'HEAD'), 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined
    ? undefined
    : (/^ref: (\S+)$/.exec(text.trim())?.[1] ?? 'refs/heads/main');
};

const refsOf = async (path: string): Promise<Refs> => {
  const args = ['--git-dir', path, 'for-each-ref', '--format=%(objectname) %(refname)'];
  const lines = (await readGit(args)).split('\n').filter((line) => line !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const [objectName = '', refName = ''] = line.split(' ');
      return [refName, objectName];
    }),
  );
};

const savePack = async (
  store: ContentStore,
  path: string,
  tips: ReadonlySet<string>,
  saved: ReadonlySet<string>,
): Promise<string> => {
  const wanted = [...tips].filter((tip) => !saved.has(tip));
  const input = [...wanted, ...[...saved].map((tip) => `^${tip}`)].join('\n');
  const args = ['--git-dir', path, 'pack-objects', '--revs', '--stdout', '--quiet', '--threads=1'];
  const git = startGit(args, `${input}\n`);
  const ended = git.ended.catch((error: unknown) => {
    git.output.destroy(error as Error);
    throw error;
  });
  const [pack] = await Promise.all([store.put(git.output), ended]);
  return pack;
};

/** Makes the repository again as it was; whole when it has its name. */
export const placeRepository = async (
  folder: string,
  { appId, head, refs, packs }: SavedRepository,
  read: (content: string) => Promise<Readable>,
): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const fresh = join(folder, `.restoring-${appId}`);
  await rm(fresh, { recursive: true, force: true });
  await readGit(['init', '--quiet', '--bare', '--template=', fresh]);
  for (const pack of packs) {
    await readGit(['--git-dir', fresh, 'index-pack', '--stdin'], await read(pack));
  }
  const updates = Object.entries(refs).map(([ref, to]) => `create ${ref} ${to}\n`);
  await readGit(['--git-dir', fresh, 'update-ref', '--stdin'], updates.join(''));
  await writeFile(join(fresh, 'HEAD'), `ref: ${head}\n`);
  // Everything that the refs reach is there, or the pack of it was not what it should have been.
  await readGit(['--git-dir', fresh, 'fsck', '--connectivity-only', '--no-dangling']);
  await rename(fresh, join(folder, `${appId}.git`));
};

/** Apps that have a repository. */
export const repositoriesIn = async (folder: string): Promise<readonly string[]> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  return names.flatMap((name) => /^([A-Za-z0-9_-]{1,64})\.git$/.exec(name)?.[1] ?? []).toSorted();
};
