import { z } from 'zod';
import { id, sequence, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'platform';

export const whoami = defineRoute({
  id: 'whoami',
  method: 'GET',
  path: '/v1/whoami',
  summary: 'Who you are to the platform',
  tag,
  access: 'user',
  answer: {
    status: 200,
    description: 'The user behind the token.',
    schema: z
      .object({
        user: z.string(),
        userId: id,
        administrator: z.boolean(),
        teams: z.array(z.object({ id, name: z.string() })),
        token: z.object({ id, name: z.string(), expiresAt: time.nullable() }),
        platform: z.string(),
        domain: z.string(),
        version: z.string(),
      })
      .meta({ id: 'Whoami' }),
  },
});

const node = z
  .object({
    id,
    hostname: z.string(),
    cpus: z.number(),
    memoryBytes: z.number(),
    engineVersion: z.string(),
    cgroupVersion: z.string(),
    observedAt: time,
    instances: z.number().int().describe('Instances that are not stopped.'),
  })
  .meta({ id: 'Node' });

export const listNodes = defineRoute({
  id: 'listNodes',
  method: 'GET',
  path: '/v1/nodes',
  summary: 'List the machines on which instances run',
  tag,
  access: 'user',
  shows: true,
  answer: { status: 200, description: 'By id.', schema: z.array(node) },
});

const finding = z
  .object({
    name: z.string().describe('What was looked at.'),
    group: z.string().describe('What it belongs to: log, machine, processes, apps, platform.'),
    state: z.enum(['ok', 'warning', 'failed']),
    summary: z.string(),
    remedy: z.string().nullable().describe('What to do about it.'),
  })
  .meta({ id: 'Finding' });
export type Finding = z.infer<typeof finding>;

export const doctor = defineRoute({
  id: 'doctor',
  method: 'GET',
  path: '/v1/doctor',
  summary: 'Look whether everything works, and say what to do about what does not',
  tag,
  access: 'user',
  answer: {
    status: 200,
    description: 'ok is false when anything failed.',
    schema: z
      .object({ ok: z.boolean(), durability: z.string(), findings: z.array(finding) })
      .meta({ id: 'Diagnosis' }),
  },
});

const rebuildBody = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z-]{1,64}$/, 'the name of a read model')
    .optional()
    .describe('Default: all.'),
  force: z
    .boolean()
    .optional()
    .describe('Serve what was made also where the same code made other documents before.'),
});

const difference = z
  .object({
    model: z.string(),
    changed: z.number().int().describe('Documents that are in both and not the same.'),
    added: z.number().int().describe('Documents that only the new tables have.'),
    missing: z.number().int().describe('Documents that only the served tables have.'),
    keys: z.array(z.string()).describe('The first of them; "~" begins a memory of the projection.'),
  })
  .meta({ id: 'ReadModelDifference' });

const parked = z
  .object({
    model: z.string(),
    sequence: sequence.describe('The event that its projection cannot apply.'),
    problem: z.string(),
    since: time,
  })
  .meta({ id: 'ParkedReadModel' });

export const rebuild = defineRoute({
  id: 'rebuildReadModels',
  method: 'POST',
  path: '/v1/rebuild',
  summary: 'Make the read models again from the log and wait; queries are answered meanwhile',
  tag,
  access: 'administrator',
  changes: false,
  body: rebuildBody,
  refuses: ['rebuild-running', 'rebuild-differs', 'rebuild-cancelled', 'projection-failed'],
  answer: {
    status: 200,
    description: 'The rebuilt ones are in use.',
    schema: z
      .object({
        rebuilt: z.array(z.string()),
        events: z.number().int(),
        durationMs: z.number().int(),
        differences: z.array(difference).describe('What was served otherwise before.'),
        parked: z.array(parked).describe('What could not be made, and is served as before.'),
      })
      .meta({ id: 'Rebuilt' }),
  },
});

const rebuildStatus = z
  .object({
    state: z
      .enum(['none', 'running', 'comparing', 'done', 'refused', 'cancelled', 'failed'])
      .describe('refused: the same code made other documents than are served, so these stayed.'),
    models: z.array(z.string()),
    done: z.number().int().describe('Commits of the log that are folded; about, on EventStoreDB.'),
    total: z.number().int().describe('Commits in the log now; about, on EventStoreDB.'),
    events: z.number().int(),
    eventsPerSecond: z.number().int().nullable(),
    secondsLeft: z.number().int().nullable(),
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
    resumed: z.boolean().describe('It went on where it was before a restart.'),
    differences: z.array(difference),
    parked: z.array(parked),
    problem: z.string().nullable(),
  })
  .meta({ id: 'RebuildStatus' });

export const startRebuild = defineRoute({
  id: 'startRebuild',
  method: 'POST',
  path: '/v1/rebuild/start',
  summary: 'Begin to make the read models again from the log, or join the same rebuild under way',
  tag,
  access: 'administrator',
  changes: false,
  body: rebuildBody,
  refuses: ['rebuild-running'],
  answer: { status: 202, description: 'It is under way.', schema: rebuildStatus },
});

export const showRebuild = defineRoute({
  id: 'showRebuild',
  method: 'GET',
  path: '/v1/rebuild',
  summary: 'How far the rebuild under way is, or how the last one of this process ended',
  tag,
  access: 'administrator',
  reads: false,
  answer: { status: 200, description: 'State none: there was none.', schema: rebuildStatus },
});

export const cancelRebuild = defineRoute({
  id: 'cancelRebuild',
  method: 'POST',
  path: '/v1/rebuild/cancel',
  summary: 'End the rebuild under way; what is served stays as it is',
  tag,
  access: 'administrator',
  changes: false,
  body: z.strictObject({}),
  refuses: ['no-rebuild'],
  answer: { status: 200, description: 'It has ended.', schema: rebuildStatus },
});

export const dump = defineRoute({
  id: 'dumpReadModels',
  method: 'GET',
  path: '/v1/read-models/dump',
  summary: 'All read models in canonical form: the same log gives the same bytes',
  tag,
  access: 'administrator',
  shows: true,
  refuses: ['read-model-parked'],
  answer: {
    status: 200,
    description: 'One document per line, in canonical JSON and canonical order.',
    schema: z.record(z.string(), z.unknown()),
    contentType: 'application/x-ndjson',
  },
});
