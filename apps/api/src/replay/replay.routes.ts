import { z } from 'zod';
import { reason, sequence, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const app = z
  .object({
    name: z.string(),
    stopped: z.boolean(),
    release: z.number().int().nullable().describe('The release that served.'),
    releases: z.number().int().describe('Releases there were.'),
    formation: z.record(z.string(), z.number().int()),
    configKeys: z.number().int().describe('Config keys there were; names and values are not told.'),
    domains: z.array(z.string()).describe('Custom domains.'),
    instances: z.number().int().describe('Instances that were not stopped.'),
    routed: z.number().int().describe('Instances that got requests.'),
  })
  .meta({ id: 'ReplayApp' });

const change = z
  .object({
    change: z.enum(['added', 'removed', 'changed']),
    kind: z
      .enum([
        'app',
        'release',
        'live',
        'config',
        'setting',
        'formation',
        'domain',
        'port',
        'cron',
        'volume',
        'lock',
        'maintenance',
        'instance',
        'route',
        'token',
        'person',
        'team',
        'member',
      ])
      .describe('live: the release that serves.'),
    app: z.string().nullable(),
    name: z.string().describe('Of what changed: a config key, a process type, a host, …'),
    from: z.string().nullable().describe('As it was; never told of config values.'),
    to: z.string().nullable().describe('As it became; never told of config values.'),
    sequence: sequence.nullable().describe('The event that made it so.'),
    time: time.nullable(),
    by: z.string().nullable().describe('Name of the user or process.'),
    for: z.string().nullable().describe('The person whose request a process carried out.'),
    reason,
  })
  .meta({ id: 'ReplayChange' });

export const showReplay = defineRoute({
  id: 'replay',
  method: 'GET',
  path: '/v1/replay',
  summary: 'What there was at a moment, and what changed until another one',
  tag: 'platform',
  access: 'user',
  shows: true,
  query: {
    diff: z
      .string()
      .max(64)
      .optional()
      .describe('The other moment, as `at`. The earlier one comes first, whichever it is.'),
    app: z.string().optional().describe('Only this app (name or id), as it was at either moment.'),
  },
  refuses: ['app-not-found', 'read-model-parked'],
  answer: {
    status: 200,
    description:
      'Apps of your teams; tokens, people and teams where you may see them. In the order in which it came to be.',
    schema: z
      .object({
        at: sequence.describe('Place in the log of the moment that was asked for.'),
        apps: z.array(app).describe('At that moment, by name.'),
        diff: z
          .object({
            from: sequence.describe('The earlier moment.'),
            to: sequence.describe('The later moment.'),
            commits: z.number().int().describe('Commits of the log between the two.'),
            changes: z.array(change),
          })
          .nullable()
          .describe('null without `diff`.'),
      })
      .meta({ id: 'Replay' }),
  },
});
