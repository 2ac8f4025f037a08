import { z } from 'zod';
import { defineEvent } from './event.js';
import { digest, id } from './ids.js';
import { volumeName } from './volume.js';

/** Where backups go, without credentials: a folder, or `s3://bucket/prefix?…`. */
export const backupTarget = z.string().min(1).max(1000);

const position = z.string().regex(/^\d{20}$/);
const count = z.number().int().nonnegative();

/** Something the log refers to that was not to be had any more. */
export const backupGap = z.strictObject({
  kind: z.enum(['source', 'image', 'repository', 'key', 'volume']),
  name: z.string().max(600),
  why: z.string().max(500),
});
export type BackupGap = z.infer<typeof backupGap>;

/** What became of one volume in a backup. */
export const backedUpVolume = z.strictObject({
  appId: id,
  volumeId: id,
  name: volumeName,
  /** `failed`: something kept it from being saved. `left-out`: nobody wanted it saved. */
  outcome: z.enum(['saved', 'failed', 'left-out']),
  /** Of what is in it, as an archive; 0 where it is not saved. */
  bytes: count,
  /** Null where it is saved. */
  why: z.string().max(500).nullable(),
});
export type BackedUpVolume = z.infer<typeof backedUpVolume>;

/** How it went with what was to run before the content of a volume was taken. */
export const backupHookRun = z.strictObject({
  /** Id of the instance; null where it did not run. */
  ranIn: id.nullable(),
  /**
   * `timed-out`: it took longer than it may, and was ended. `no-instance`: none runs, the content is taken as it is.
   * `not-run`: it could not be run. The content is saved after `succeeded` and `no-instance` alone.
   */
  outcome: z.enum(['succeeded', 'failed', 'timed-out', 'no-instance', 'not-run']),
  exitCode: z.number().int().nullable(),
  /** The last of what it wrote, config values blotted out; or why it could not be run. */
  said: z.string().max(2000),
});
export type BackupHookRun = z.infer<typeof backupHookRun>;

/** What a failed backup or verification met. */
const problem = { code: z.string().max(64), summary: z.string().max(2000) };

/** What the backup process did, and when it does it by itself. */
export const backupEvent = z.discriminatedUnion('type', [
  defineEvent('BackupPolicyChanged', 1, {
    nodeId: id,
    /** `off`, `hourly`, `every 6h`, `daily 03:00`, `weekly sunday 03:00`; UTC. */
    schedule: z.string().max(64),
    target: backupTarget.nullable(),
    /** `3,7d,4w,12m`: the newest three, and one of each of the last days, weeks and months. Null: all. */
    keep: z.string().max(64).nullable(),
  }),
  defineEvent('BackupStarted', 1, {
    nodeId: id,
    backupId: id,
    target: backupTarget,
    cause: z.enum(['asked', 'schedule']),
  }),
  defineEvent('BackupSucceeded', 2, {
    nodeId: id,
    backupId: id,
    target: backupTarget,
    /** The log is in it up to here, and all that the log up to here refers to. */
    position,
    /** SHA-256 of the manifest: what is found at the target later is held against it. */
    manifest: digest,
    /** Of everything in it, as stored. */
    bytes: count,
    /** What this backup had to store anew. */
    addedBytes: count,
    objects: count,
    durationMs: count,
    missing: z.array(backupGap).max(200),
    /** What is in volumes; the first ones where there are more. */
    volumes: z.array(backedUpVolume).max(1000),
  }),
  /** What was to run in an instance before the content of a volume was taken. */
  defineEvent('BackupHookRan', 1, {
    nodeId: id,
    backupId: id,
    appId: id,
    volumeId: id,
    name: volumeName,
    ...backupHookRun.shape,
    durationMs: count,
  }),
  defineEvent('BackupFailed', 1, { nodeId: id, backupId: id, target: backupTarget, ...problem }),
  /** Every byte of it was read back, and the chain of its log holds. */
  defineEvent('BackupVerified', 1, {
    nodeId: id,
    backupId: id,
    target: backupTarget,
    objects: count,
    bytes: count,
    commits: count,
    verifiedAt: z.iso.datetime(),
  }),
  defineEvent('BackupVerificationFailed', 1, {
    nodeId: id,
    backupId: id,
    target: backupTarget,
    ...problem,
  }),
  /** Backups that the policy keeps no longer, and the bytes that went with them. */
  defineEvent('BackupsPruned', 1, {
    nodeId: id,
    target: backupTarget,
    backupIds: z.array(id).max(500),
    bytes: count,
  }),
  /** This platform was made from a backup; written at its first start. */
  defineEvent('BackupRestored', 1, {
    nodeId: id,
    backupId: id,
    target: backupTarget,
    position,
    /** When the restore ended. */
    restoredAt: z.iso.datetime(),
    /** The recovery key was there: configuration can be read. */
    withKeys: z.boolean(),
  }),
]);
export type BackupEvent = z.infer<typeof backupEvent>;
