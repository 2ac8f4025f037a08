import { createHash } from 'node:crypto';
import { backupGap, id, volumeName } from '@shiplog/events';
import { z } from 'zod';
import { BackupError } from '../backup-error.js';

/** Raised when older programs could not restore what newer ones write. */
export const FORMAT = 2;
/** Before there was anything of volumes in it. */
const FORMAT_WITHOUT_VOLUMES = 1;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.number().int().nonnegative();
const position = z.string().regex(/^\d{20}$/);

/** A piece of content, and the compressed object that holds it; each named by its SHA-256. */
const objectRef = z.strictObject({ content: sha256, bytes, object: sha256, storedBytes: bytes });
export type ObjectRef = z.infer<typeof objectRef>;

/** Commits after `after` up to `to`, as lines of an exported log. */
const segment = z.strictObject({ after: position, to: position, commits: bytes, content: sha256 });
export type Segment = z.infer<typeof segment>;

const repository = z.strictObject({
  /** A name of a folder on the machine that restores it. */
  appId: id,
  /** The branch that HEAD names. */
  head: z.string(),
  refs: z.record(z.string(), z.string()),
  /** Packs in the order in which they build on each other. */
  packs: z.array(sha256),
});
export type SavedRepository = z.infer<typeof repository>;

const savedImage = z.strictObject({
  /** What the engine calls it: releases name it so. */
  id: z.string(),
  tags: z.array(z.string()),
  /** The entries of the engine's own archive of it, whose contents are objects of their own. */
  index: sha256,
  contents: z.array(sha256),
});
export type SavedImage = z.infer<typeof savedImage>;

const ofVolume = { appId: id, appName: z.string(), volumeId: id, name: volumeName };

const savedVolume = z.strictObject({
  ...ofVolume,
  /** As the engine calls it; the log knows it by this name. */
  engineName: z.string(),
  /** Of its archive. */
  bytes,
  /** The names of its chunks, one a line, in their order. */
  index: sha256,
});
export type SavedVolume = z.infer<typeof savedVolume>;

/** One whose content is not in the backup. */
const leftVolume = z.strictObject({
  ...ofVolume,
  outcome: z.enum(['failed', 'left-out']),
  why: z.string().max(500),
});
export type VolumeLeftOut = z.infer<typeof leftVolume>;

const savedFile = z.strictObject({ path: z.string(), content: sha256 });
export type SavedFile = z.infer<typeof savedFile>;

/** Everything about one backup. It is written last: what has no manifest is no backup. */
const manifest = z.strictObject({
  format: z.union([z.literal(FORMAT), z.literal(FORMAT_WITHOUT_VOLUMES)]),
  backupId: z.string(),
  platform: z.string(),
  domain: z.string(),
  nodeId: z.string(),
  startedAt: z.iso.datetime(),
  createdAt: z.iso.datetime(),
  /** The backup that this one builds on. */
  base: z.string().nullable(),
  /** The log up to here. */
  position,
  /** Hash of the commit there; null in an empty log. */
  headHash: sha256.nullable(),
  log: z.array(segment),
  /** Sealed for the recovery key: one bundle, of which a target keeps the newest. */
  keys: z.strictObject({
    recipient: z.string(),
    content: sha256,
    files: z.array(z.string()),
  }),
  /** Other files of the home, as they are. */
  files: z.array(savedFile),
  sources: z.array(sha256),
  repositories: z.array(repository),
  images: z.array(savedImage),
  volumes: z.array(savedVolume).default([]),
  volumesLeft: z.array(leftVolume).default([]),
  missing: z.array(backupGap),
  objects: z.array(objectRef),
  addedBytes: bytes,
});
export type Manifest = z.infer<typeof manifest>;

const LINE = /^\{"sha256":"([0-9a-f]{64})","manifest":/;

export const manifestName = (backupId: string): string => `backups/${backupId}.json`;

/** One line of JSON: the SHA-256 of the manifest's text, and that text. */
export const encodeManifest = (value: Manifest): { text: string; digest: string } => {
  const json = JSON.stringify(manifest.parse(value));
  const digest = createHash('sha256').update(json).digest('hex');
  return { text: `{"sha256":"${digest}","manifest":${json}}\n`, digest: `sha256:${digest}` };
};

export interface ReadManifest {
  readonly manifest: Manifest;
  readonly digest: string;
}

export const decodeManifest = (text: string, name: string): ReadManifest => {
  const match = LINE.exec(text);
  const json = match === null ? '' : text.slice(match[0].length, -2);
  const digest = createHash('sha256').update(json).digest('hex');
  if (match?.[1] !== digest || !text.endsWith('}\n')) {
    throw new BackupError('backup-damaged', `${name} does not hold what it was written with`);
  }
  const value = JSON.parse(json) as { format?: unknown };
  if (value.format !== FORMAT && value.format !== FORMAT_WITHOUT_VOLUMES) {
    throw new BackupError(
      'backup-format-unknown',
      `${name} has format ${String(value.format)}; this Shiplog reads formats up to ${FORMAT}. Use the version that wrote it, or a newer one`,
    );
  }
  const read = manifest.safeParse(value);
  if (read.success) return { manifest: read.data, digest: `sha256:${digest}` };
  const [issue] = read.error.issues;
  throw new BackupError(
    'backup-damaged',
    `${name} is no manifest: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
  );
};

/** What everything in it takes at the target. */
export const storedBytesOf = ({ objects }: Pick<Manifest, 'objects'>): number =>
  objects.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
