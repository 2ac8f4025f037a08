import type { Readable } from 'node:stream';
import { BackupError } from '../backup-error.js';
import { findBackup } from '../content/backup-set.js';
import { readContent } from '../content/content-store.js';
import type { Manifest, ObjectRef } from '../content/manifest.js';
import type { ReadContent } from '../parts/images.js';
import { savedCommits } from '../parts/saved-log.js';
import { chunkNamesOf } from '../parts/volumes.js';
import type { BackupTarget } from '../target/backup-target.port.js';
import { bundlesFor, keysOf, uncoveredKeys } from './key-bundles.js';

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
  /** Apps whose keys must be there; known to a platform that runs. */
  readonly livingApps?: ReadonlySet<string> | undefined;
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
  const problems = await damagedOf(target, [...others, ...bundles.map(({ ref }) => ref)]);
  if (bundles.length === 0) problems.push('the keys of it are in no bundle at the target');
  else {
    const uncovered = uncoveredKeys(manifest, bundles, options.livingApps ?? new Set());
    problems.push(...uncovered.map((file) => `no bundle of keys at the target has ${file}`));
  }
  // What the manifest lists was read; that it lists all that a volume is made of is seen here.
  for (const volume of problems.length > 0 ? [] : manifest.volumes) {
    const read: ReadContent = (content) => readContent(target, refs(content));
    for (const name of await chunkNamesOf(volume, read)) refs(name);
  }
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
