import { eventTypes } from '@shiplog/events';
import { z } from 'zod';
import { pageLimit, sequence, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'events';

/** CloudEvents 1.0; extension attributes are lower case and say who, why and what belongs together. */
export const cloudEvent = z
  .object({
    specversion: z.literal('1.0'),
    id: z.string().describe('Commit id and index of the event in it.'),
    source: z.string().describe('/platforms/<platform>'),
    type: z.string().describe('AppCreated, ReleaseCreated, InstanceReady, …'),
    subject: z.string().describe('<aggregate>/<id>'),
    time,
    datacontenttype: z.literal('application/json'),
    sequence,
    actor: z.string().describe('Name of the user or process.'),
    actorkind: z.enum(['user', 'process']),
    reason: z.string().optional(),
    correlation: z.string(),
    causation: z.string().optional(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'CloudEvent' });

const TYPES: ReadonlySet<string> = new Set(eventTypes().map(({ type }) => type));

/** One that does not exist would be waited for in silence, for ever. */
const refuseUnknownTypes = (text: string, context: z.core.$RefinementCtx<string>): void => {
  for (const type of text.split(',').filter((one) => !TYPES.has(one))) {
    context.addIssue(
      `there is no event type "${type}"; docs/event-catalogue.md lists the ones there are`,
    );
  }
};

const filters = {
  app: z.string().optional().describe('Only what concerns this app (name or id).'),
  type: z
    .string()
    .regex(/^[A-Za-z]{1,64}(,[A-Za-z]{1,64}){0,49}$/, 'event types, separated by commas')
    .superRefine(refuseUnknownTypes)
    .optional(),
};

export const listEvents = defineRoute({
  id: 'listEvents',
  method: 'GET',
  path: '/v1/events',
  summary: 'Read a page of the log as CloudEvents',
  tag,
  access: 'user',
  query: {
    ...filters,
    after: sequence.optional().describe('Events after this one; absent: from the beginning.'),
    limit: pageLimit,
  },
  answer: {
    status: 200,
    description:
      'A page never splits a commit, so it may be a little longer than the limit. `next` is where to go on; the same as `after` at the end of the log.',
    schema: z
      .object({ events: z.array(cloudEvent), next: sequence, end: z.boolean() })
      .meta({ id: 'EventPage' }),
  },
  refuses: ['moment-unknown'],
});

export const streamEvents = defineRoute({
  id: 'streamEvents',
  method: 'GET',
  path: '/v1/events/stream',
  summary: 'Follow the log as server-sent events; `Last-Event-ID` goes on where it broke off',
  tag,
  access: 'user',
  query: {
    ...filters,
    after: sequence.optional().describe('Default: from now on. Last-Event-ID goes before it.'),
  },
  answer: {
    status: 200,
    description: 'Each event has the sequence as id, its type as event and a CloudEvent as data.',
    schema: z.string(),
    contentType: 'text/event-stream',
  },
  refuses: ['moment-unknown'],
});
