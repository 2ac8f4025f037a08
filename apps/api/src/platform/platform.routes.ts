import { z } from 'zod';
import { id, time } from '../http/fields.js';
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

export const rebuild = defineRoute({
  id: 'rebuildReadModels',
  method: 'POST',
  path: '/v1/rebuild',
  summary: 'Make the read models again from the log; queries are answered meanwhile',
  tag,
  access: 'administrator',
  changes: false,
  body: z.strictObject({
    name: z
      .string()
      .regex(/^[a-z-]{1,64}$/, 'the name of a read model')
      .optional()
      .describe('Default: all.'),
  }),
  answer: {
    status: 200,
    description: 'The rebuilt ones are in use.',
    schema: z
      .object({
        rebuilt: z.array(z.string()),
        events: z.number().int(),
        durationMs: z.number().int(),
      })
      .meta({ id: 'Rebuilt' }),
  },
});

export const dump = defineRoute({
  id: 'dumpReadModels',
  method: 'GET',
  path: '/v1/read-models/dump',
  summary: 'All read models in canonical form: the same log gives the same bytes',
  tag,
  access: 'administrator',
  shows: true,
  answer: {
    status: 200,
    description: 'One document per line, in canonical JSON and canonical order.',
    schema: z.record(z.string(), z.unknown()),
    contentType: 'application/x-ndjson',
  },
});
