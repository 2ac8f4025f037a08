import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { BackupError } from '../backup-error.js';
import { findBackup, readBackupSet } from '../content/backup-set.js';
import { objectName, readContent } from '../content/content-store.js';
import type { Manifest, ObjectRef } from '../content/manifest.js';
import { openKeys, type KeyFile } from '../parts/keys.js';
import { savedCommits } from '../parts/saved-log.js';
import type { BackupTarget } from '../target/backup-target.port.js';

export interface Verified {
  readonly backupId: string;
  readonly objects: number;
  readonly bytes: number;
  readonly commits: number;
  /** Null: no recovery key was given, so nobody looked whether it opens the keys. */
  readonly keys: number | null;
}

export interface VerifyOptions {
  /** Default: the newest. */
  readonly backupId?: string | undefined;
  /** What the log says the manifest's digest is. */
  readonly expectedDigest?: string | undefined;
  readonly recoveryKey?: string | undefined;
  readonly onStep: (text: string) => void;
}

/** So many damaged objects are named; the rest is counted. */
const NAMED_MAX = 20;

/** Reads everything of a backup back, as a restore would. Throws `backup-damaged`, which names what is. */
export const verifyBackup = async (
  target: BackupTarget,
  options: VerifyOptions,
): Promise<Verified> => {
  const { manifest, digest } = await findBackup(target, options.backupId);
  const { backupId } = manifest;
  if (options.expectedDigest !== undefined && options.expectedDigest !== digest) {
    throw new BackupError(
      'backup-damaged',
      `the manifest of ${backupId} is another one than the log knows: it was replaced`,
    );
  }
  const refs = refsOf(manifest);
  const bundles = await bundlesFor(target, manifest);
  const segments = new Set(manifest.log.map(({ content }) => content));
  const others = manifest.objects.filter(
    ({ content }) => !segments.has(content) && content !== manifest.keys.content,
  );
  options.onStep(`${manifest.objects.length} objects`);
  const problems = await damagedOf(target, [...others, ...bundles]);
  if (bundles.length === 0) problems.push('the keys of it are in no bundle at the target');
  options.onStep('the chain of the log');
  const commits = await countCommits(target, manifest, refs, problems);
  if (problems.length > 0) {
    const named = problems.slice(0, NAMED_MAX);
    const more = problems.length - named.length;
    throw new BackupError(
      'backup-damaged',
      `backup ${backupId}: ${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
    );
  }
  const { recoveryKey } = options;
  const keys =
    recoveryKey === undefined ? null : (await keysOf(target, manifest, recoveryKey)).length;
  const bytes = manifest.objects.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  return { backupId, objects: manifest.objects.length, bytes, commits, keys };
};

/** Content by its SHA-256; a manifest that names one that it does not list is damaged. */
export const refsOf = ({ objects, backupId }: Manifest): ((content: string) => ObjectRef) => {
  const byContent = new Map(objects.map((ref) => [ref.content, ref]));
  return (content) => {
    const ref = byContent.get(content);
    if (ref !== undefined) return ref;
    throw new BackupError('backup-damaged', `backup ${backupId} does not say where ${content} is`);
  };
};

/**
 * The bundles of keys for a backup, the newest first: it holds all keys that were not shredded since. An
 * older one is only there where it has a key that the newest lost.
 */
export const bundlesFor = async (
  target: BackupTarget,
  manifest: Manifest,
): Promise<readonly ObjectRef[]> => {
  const { backups } = await readBackupSet(target);
  const newestFirst = [...backups.map((one) => one.manifest).toReversed(), manifest];
  const listed = new Set((await target.list('objects/')).map(({ name }) => name));
  const refs = newestFirst.flatMap(({ objects, keys }) =>
    objects.filter(
      ({ content, object }) => content === keys.content && listed.has(objectName(object)),
    ),
  );
  return [...new Map(refs.map((ref) => [ref.object, ref])).values()];
};

/** The key files of a backup, from all bundles: those of the newest, and what it lost since. */
export const keysOf = async (
  target: BackupTarget,
  manifest: Manifest,
  recoveryKey: string,
): Promise<readonly KeyFile[]> => {
  const wanted = new Set(manifest.keys.files);
  const files = new Map<string, KeyFile>();
  for (const [i, ref] of (await bundlesFor(target, manifest)).entries()) {
    const opened = await openKeys(await buffer(await readContent(target, ref)), recoveryKey);
    for (const file of opened) {
      if (!files.has(file.path) && (i === 0 || wanted.has(file.path))) files.set(file.path, file);
    }
  }
  return [...files.values()];
};

const damagedOf = async (target: BackupTarget, refs: readonly ObjectRef[]): Promise<string[]> => {
  const problems: string[] = [];
  for (const ref of refs) {
    try {
      await drain(await readContent(target, ref));
    } catch (error) {
      problems.push(damageIn(error));
    }
  }
  return problems;
};

/** What damage there is, in words; everything else is no finding about the backup. */
const damageIn = (error: unknown): string => {
  if (error instanceof BackupError && error.code === 'backup-damaged') return error.message;
  throw error;
};

const drain = async (content: Readable): Promise<void> => {
  for await (const chunk of content) void chunk;
};

const countCommits = async (
  target: BackupTarget,
  manifest: Manifest,
  refOf: (content: string) => ObjectRef,
  problems: string[],
): Promise<number> => {
  let commits = 0;
  try {
    for await (const commit of savedCommits(target, manifest, refOf))
      commits += commit === null ? 0 : 1;
  } catch (error) {
    problems.push(damageIn(error));
  }
  return commits;
};
