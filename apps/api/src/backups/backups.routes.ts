import { z } from 'zod';
import { KEEP_FORMS, SCHEDULE_FORMS } from '@shiplog/domain';
import { changed, id, idParam, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'backups';

const target = z
  .string()
  .min(1)
  .max(1000)
  .describe(
    'A folder on the machine of the platform (absolute path), or `s3://bucket/prefix?region=…&endpoint=…`. Never with credentials.',
  );

const gap = z.object({ kind: z.string(), name: z.string(), why: z.string() });
const size = z.number().int().nullable();

const backup = z
  .object({
    id: id.describe('Begins with the time when it began.'),
    platform: z.string().nullable(),
    startedAt: time.nullable(),
    createdAt: time.nullable(),
    position: z.string().nullable().describe('The log is in it up to here.'),
    bytes: size.describe('Of everything in it, as stored.'),
    addedBytes: size.describe('What it had to store that no earlier backup had.'),
    objects: size,
    missing: z.array(gap).describe('What was not to be had any more when it was made.'),
    volumesLeft: z
      .array(
        z.object({
          name: z.string().describe('App and volume, such as `shop/data`.'),
          outcome: z.enum(['failed', 'left-out']),
          why: z.string(),
        }),
      )
      .describe('Volumes whose content is not in it.'),
    verification: z.enum(['none', 'verified', 'failed']),
    verifiedAt: time.nullable(),
    problem: z.string().nullable().describe('What is wrong with it, as far as known.'),
  })
  .meta({ id: 'Backup' });

export const backups = z
  .object({ target: z.string().nullable(), backups: z.array(backup) })
  .meta({ id: 'Backups' });

const policy = z
  .object({
    schedule: z.string().max(64).describe(SCHEDULE_FORMS),
    target: target.nullable(),
    keep: z
      .string()
      .max(64)
      .nullable()
      .describe(`Which backups at that place stay: ${KEEP_FORMS}. Null: all.`),
  })
  .meta({ id: 'BackupPolicy' });

export const listBackups = defineRoute({
  id: 'listBackups',
  method: 'GET',
  path: '/v1/backups',
  summary: 'The backups at a place, the newest first',
  tag,
  access: 'administrator',
  query: { target: target.optional().describe('Default: that of the schedule, or the last one.') },
  answer: {
    status: 200,
    description: 'What lies there, with what the log knows about it.',
    schema: backups,
  },
  refuses: ['worker-unreachable', 'backup-target-invalid', 'backup-target-unavailable'],
});

export const createBackup = defineRoute({
  id: 'createBackup',
  method: 'POST',
  path: '/v1/backups',
  summary: 'Begin a backup; its progress tells how it ends',
  tag,
  access: 'administrator',
  body: z.strictObject({
    target: target.optional().describe('Default: the place of the schedule.'),
    withVolumes: z.boolean().default(true).describe('Whether what is in volumes is saved, too.'),
  }),
  answer: {
    status: 202,
    description: 'It has begun.',
    schema: changed
      .extend({
        backupId: id,
        target: z.string(),
        recoveryKey: z
          .object({
            recipient: z.string().describe('The public half.'),
            file: z
              .string()
              .nullable()
              .describe('Where the secret half lies; null: not on this machine any more.'),
          })
          .describe('What opens the keys in the backup.'),
      })
      .meta({ id: 'StartedBackup' }),
  },
  refuses: [
    'worker-unreachable',
    'backup-running',
    'backup-target-missing',
    'backup-target-invalid',
    'backup-target-unavailable',
  ],
});

export const verifyBackup = defineRoute({
  id: 'verifyBackup',
  method: 'POST',
  path: '/v1/backups/verify',
  summary: 'Begin to read a backup back; its progress tells what is damaged',
  tag,
  access: 'administrator',
  changes: false,
  body: z.strictObject({
    backupId: idParam.optional().describe('Default: the newest that succeeded.'),
    target: target.optional(),
  }),
  answer: {
    status: 202,
    description: 'It has begun.',
    schema: z
      .object({ backupId: id, job: id.describe('Name of its progress.') })
      .meta({ id: 'StartedVerification' }),
  },
  refuses: ['worker-unreachable', 'backup-not-found'],
});

export const backupProgress = defineRoute({
  id: 'backupProgress',
  method: 'GET',
  path: '/v1/backups/jobs/{job}/progress',
  summary: 'What a backup or a verification does, until it ends',
  tag,
  access: 'administrator',
  params: { job: idParam.describe('`backupId` of a started backup, `job` of a verification.') },
  answer: {
    status: 200,
    description: 'One line per step; the last one is `done` or `failed`.',
    schema: z
      .object({ kind: z.enum(['step', 'done', 'failed']), text: z.string(), at: time })
      .meta({ id: 'BackupLine' }),
    contentType: 'application/x-ndjson',
  },
  refuses: ['worker-unreachable', 'backup-not-found'],
});

export const showBackupPolicy = defineRoute({
  id: 'showBackupPolicy',
  method: 'GET',
  path: '/v1/backups/policy',
  summary: 'When backups are made by themselves, where to, and which stay',
  tag,
  access: 'administrator',
  answer: { status: 200, description: 'The policy.', schema: policy },
});

export const changeBackupPolicy = defineRoute({
  id: 'changeBackupPolicy',
  method: 'PUT',
  path: '/v1/backups/policy',
  summary: 'Set when backups are made by themselves, where to, and which stay',
  tag,
  access: 'administrator',
  body: z.strictObject(policy.shape),
  answer: {
    status: 200,
    description: 'The policy as it is now.',
    schema: changed.extend(policy.shape).meta({ id: 'ChangedBackupPolicy' }),
  },
  refuses: [
    'worker-unreachable',
    'backup-schedule-invalid',
    'backup-keep-invalid',
    'backup-target-missing',
    'backup-target-invalid',
    'backup-target-unavailable',
  ],
});
