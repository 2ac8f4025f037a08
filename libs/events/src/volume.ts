import { z } from 'zod';
import { containerCommand } from './checks.js';
import { defineEvent } from './event.js';
import { id, PROCESS_TYPE_PATTERN, processType } from './ids.js';
import { containerPath } from './resources.js';

/** A volume's name within its app: as a process type, because it stands in names of the engine. */
export const volumeName = z
  .string()
  .regex(
    PROCESS_TYPE_PATTERN,
    'lower-case letters, digits and "-", starting with a letter, at most 30 characters',
  );

/** Where it appears in a container. What is there in the image is hidden by it. */
export const volumePath = containerPath.refine(
  (path) => path !== '/etc' && !path.startsWith('/etc/'),
  'a path outside /etc',
);

const MEBIBYTE = 1024 * 1024;

export const volumeShape = {
  path: volumePath,
  /** Process types whose instances have it; none: it only keeps what is in it. */
  processes: z
    .array(processType)
    .max(20)
    .refine((all) => new Set(all).size === all.length, 'every process type at most once'),
  /** May several instances have it at the same time? */
  shared: z.boolean(),
  /** Declared: what is above is told, and not prevented. */
  sizeBytes: z
    .number()
    .int()
    .min(MEBIBYTE, 'at least 1 MiB (1048576 bytes), such as 512M or 10G')
    .max(2 ** 50, 'at most 1 PiB'),
};

export const volumeDefinition = z.strictObject(volumeShape);
export type VolumeDefinition = z.infer<typeof volumeDefinition>;

/** What runs in an instance right before the content of its volume is backed up. */
export const backupHook = z.strictObject({
  command: containerCommand,
  /** What takes longer is ended, and has failed. */
  timeoutSeconds: z.number().int().min(1).max(3600, 'at most 3600 seconds, an hour'),
});
export type BackupHook = z.infer<typeof backupHook>;

export const volumeBackupShape = {
  /** Its content is in no backup. */
  excluded: z.boolean(),
  /** Null: the content is taken as it is. */
  hook: backupHook.nullable(),
};
/** How a volume is backed up. */
export interface VolumeBackup {
  excluded: boolean;
  hook: BackupHook | null;
}

const ofApp = { appId: id, volumeId: id, name: volumeName };
/** 1 for the first; one more each time that it is made anew because it was lost. */
export const incarnation = z.number().int().min(1).max(1_000_000);

/** Intent about the volumes of one app: in the stream of the app. */
export const appVolumeEvents = [
  defineEvent('VolumeAdded', 1, { ...ofApp, ...volumeShape }),
  /** The whole definition as it is from now on. */
  defineEvent('VolumeChanged', 1, { ...ofApp, ...volumeShape }),
  /** How it is backed up from now on, all of it. */
  defineEvent('VolumeBackupChanged', 1, { ...ofApp, ...volumeBackupShape }),
  /** It was lost, and an empty one is to take its place. */
  defineEvent('VolumeRecreated', 1, { ...ofApp, incarnation }),
  /** Its data is to be deleted. */
  defineEvent('VolumeRemoved', 1, ofApp),
] as const;

const bytes = z.number().int().nonnegative();
const fact = { volumeId: id, appId: id };

/** What the deployer saw of a volume on the engine. */
export const volumeEvent = z.discriminatedUnion('type', [
  /** From here on an engine without it is one that lost it. */
  defineEvent('VolumeCreated', 1, {
    ...fact,
    name: volumeName,
    incarnation,
    nodeId: id,
    /** As the engine calls it. */
    engineName: z.string().min(1).max(200),
  }),
  /** The engine does not have it any more: nothing that needs it is started. */
  defineEvent('VolumeMissing', 1, fact),
  /** The engine has it again. */
  defineEvent('VolumeFound', 1, fact),
  /** There is more in it than was declared. */
  defineEvent('VolumeAboveSize', 1, { ...fact, usedBytes: bytes, sizeBytes: bytes }),
  defineEvent('VolumeWithinSize', 1, { ...fact, usedBytes: bytes, sizeBytes: bytes }),
  /** Removed by us, because somebody asked for it. */
  defineEvent('VolumeDeleted', 1, fact),
]);
export type VolumeEvent = z.infer<typeof volumeEvent>;
