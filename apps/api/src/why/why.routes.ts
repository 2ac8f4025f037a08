import { z } from 'zod';
import { id, reason, sequence, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';
import { STEP_KINDS } from './step.js';

export const causalStep = z
  .object({
    depth: z
      .number()
      .int()
      .describe('It came of the last step above it that is one less deep; 0: of nothing we know.'),
    kind: z.enum(STEP_KINDS),
    id: z
      .string()
      .describe(
        'Of the user, commit, build, rollout, instance or router; v3; a short container id.',
      ),
    text: z.string().describe('What it is, for people.'),
    state: z.string().nullable().describe('How far it came, or why there is such a release.'),
    actor: z.string().nullable().describe('Who asked for it or recorded it.'),
    reason,
    time: time.nullable(),
    sequence: sequence.nullable(),
    asked: z.boolean().describe('This is what you asked for.'),
  })
  .meta({ id: 'CausalStep' });

export const showCauses = defineRoute({
  id: 'showCauses',
  method: 'GET',
  path: '/v1/why',
  summary: 'Why something is there: what led to it, and what came of it',
  tag: 'audit',
  access: 'user',
  shows: true,
  query: {
    of: z
      .string()
      .min(1)
      .max(300)
      .describe(
        'Id of an instance, a release (v3), a host, a port of the router, or a config key.',
      ),
    app: z
      .string()
      .max(64)
      .optional()
      .describe('Name or id. Releases and config keys need it; instances, hosts and ports do not.'),
  },
  answer: {
    status: 200,
    description:
      'A tree as a list, in the order in which it is printed: person, command, build, release, rollout, instance, container, route.',
    schema: z
      .object({ app: z.string(), appId: id, steps: z.array(causalStep) })
      .meta({ id: 'Causes' }),
  },
  refuses: ['app-not-found', 'subject-not-found', 'moment-unknown'],
});
