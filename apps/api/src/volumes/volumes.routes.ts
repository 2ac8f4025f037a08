import { z } from 'zod';
import { backupHook, volumeBackupShape, volumeName, volumeShape } from '@shiplog/events';
import { appParam, changed, id, idParam, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'volumes';
const volumeParams = { ...appParam, volume: idParam.describe('Name of the volume.') };

const definition = {
  path: volumeShape.path.describe('Where it appears in containers: absolute, no `..`.'),
  processes: volumeShape.processes.describe('Process types whose instances have it.'),
  shared: volumeShape.shared.describe(
    'Whether several instances may have it at the same time. If not, its process type has at most one instance, which stops before the next one starts.',
  ),
  sizeBytes: volumeShape.sizeBytes.describe('Declared: what is above is told, and not prevented.'),
};

const hookTimeout = backupHook.shape.timeoutSeconds.describe(
  'Seconds; what takes longer is ended, and has failed.',
);
const backup = {
  excluded: volumeBackupShape.excluded.describe('Whether its content is left out of backups.'),
  hook: z
    .object({ command: backupHook.shape.command, timeoutSeconds: hookTimeout })
    .nullable()
    .describe(
      'What runs in a ready instance that has the volume, without a shell, before its content is taken. Null: nothing.',
    ),
};

export const volumeAnswer = z
  .object({
    id,
    name: z.string(),
    ...definition,
    state: z
      .enum(['declared', 'created', 'missing'])
      .describe(
        'declared: made when an instance first needs it. missing: the engine has it no more, and nothing that needs it is started.',
      ),
    backup: z.object(backup).describe('How its content is backed up.'),
    aboveSize: z.boolean().describe('Whether more was in it than declared when it was told last.'),
    usedBytes: z
      .number()
      .nullable()
      .describe('When it was counted last; null where it was not, and in views of the past.'),
    measuredAt: time.nullable(),
  })
  .meta({ id: 'Volume' });

export const listVolumes = defineRoute({
  id: 'listVolumes',
  method: 'GET',
  path: '/v1/apps/{app}/volumes',
  summary: 'List the volumes of an app, with how full they are',
  tag,
  params: appParam,
  shows: true,
  answer: { status: 200, description: 'By name.', schema: z.array(volumeAnswer) },
});

const changedVolume = changed.extend({ volume: volumeAnswer }).meta({ id: 'ChangedVolume' });

export const addVolume = defineRoute({
  id: 'addVolume',
  method: 'POST',
  path: '/v1/apps/{app}/volumes',
  summary: 'Add a volume; instances that have it are replaced',
  tag,
  params: appParam,
  body: z.strictObject({
    name: volumeName,
    path: definition.path,
    sizeBytes: definition.sizeBytes,
    processes: definition.processes.default(['web']),
    shared: definition.shared.default(false),
  }),
  answer: { status: 201, description: 'It is made when it is needed.', schema: changedVolume },
  refuses: [
    'volume-name-taken',
    'volume-path-taken',
    'too-many-volumes',
    'volume-exclusive',
    'volume-exclusive-to-one',
    'process-type-unknown',
  ],
});

export const changeVolume = defineRoute({
  id: 'changeVolume',
  method: 'PATCH',
  path: '/v1/apps/{app}/volumes/{volume}',
  summary: 'Change the size of a volume, where it appears, or who has it; what is in it stays',
  tag,
  params: volumeParams,
  body: z
    .strictObject({
      path: definition.path.optional(),
      processes: definition.processes.optional(),
      shared: definition.shared.optional(),
      sizeBytes: definition.sizeBytes.optional(),
    })
    .refine((body) => Object.keys(body).length > 0, 'name what is to change: {"sizeBytes": …}'),
  answer: { status: 200, description: 'As it is from now on.', schema: changedVolume },
  refuses: [
    'volume-not-found',
    'volume-path-taken',
    'volume-exclusive',
    'volume-exclusive-to-one',
    'volume-in-use',
    'process-type-unknown',
  ],
});

export const changeVolumeBackup = defineRoute({
  id: 'changeVolumeBackup',
  method: 'PATCH',
  path: '/v1/apps/{app}/volumes/{volume}/backup',
  summary: 'Change how the content of a volume is backed up; nothing is restarted',
  tag,
  params: volumeParams,
  body: z
    .strictObject({
      excluded: backup.excluded.optional(),
      hook: z
        .strictObject({
          command: backupHook.shape.command,
          timeoutSeconds: hookTimeout.default(300),
        })
        .nullable()
        .optional()
        .describe('Replaced as a whole. Null: nothing is run any more.'),
    })
    .refine((body) => Object.keys(body).length > 0, 'name what is to change: {"excluded": true}'),
  answer: { status: 200, description: 'From the next backup on.', schema: changedVolume },
  refuses: ['volume-not-found'],
});

const confirm = z.string().describe('The name of the volume once more.');

export const recreateVolume = defineRoute({
  id: 'recreateVolume',
  method: 'POST',
  path: '/v1/apps/{app}/volumes/{volume}/recreate',
  summary: 'Have an empty volume take the place of one that was lost',
  tag,
  params: volumeParams,
  body: z.strictObject({ confirm }),
  answer: { status: 200, description: 'Instances start with it.', schema: changedVolume },
  refuses: ['volume-not-found', 'volume-not-missing', 'confirmation-mismatch'],
});

export const removeVolume = defineRoute({
  id: 'removeVolume',
  method: 'DELETE',
  path: '/v1/apps/{app}/volumes/{volume}',
  summary: 'Remove a volume and delete what is in it, for good',
  tag,
  params: volumeParams,
  query: { confirm },
  answer: { status: 200, description: 'What is in it is being deleted.', schema: changed },
  refuses: ['volume-not-found', 'volume-in-use', 'confirmation-mismatch'],
});

export const keptVolume = z
  .object({
    id,
    name: z.string(),
    app: z.string().describe('What the app was called that had it.'),
    appId: id,
    path: z.string(),
    sizeBytes: z.number(),
    usedBytes: z.number().nullable(),
    measuredAt: time.nullable(),
  })
  .meta({ id: 'KeptVolume' });

export const listKeptVolumes = defineRoute({
  id: 'listKeptVolumes',
  method: 'GET',
  path: '/v1/volumes/kept',
  summary: 'List volumes that destroyed apps left behind, with what is in them',
  tag,
  access: 'user',
  answer: { status: 200, description: 'By app and name.', schema: z.array(keptVolume) },
});

export const removeKeptVolume = defineRoute({
  id: 'removeKeptVolume',
  method: 'DELETE',
  path: '/v1/volumes/kept/{volume}',
  summary: 'Delete a volume that a destroyed app left behind, for good',
  tag,
  access: 'user',
  params: { volume: idParam.describe('Id of the volume.') },
  query: { confirm },
  answer: { status: 200, description: 'What is in it is being deleted.', schema: changed },
  refuses: ['volume-not-found', 'confirmation-mismatch'],
});
