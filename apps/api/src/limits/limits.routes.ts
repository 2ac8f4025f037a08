import { z } from 'zod';
import { limits, ownLimits, processType } from '@shiplog/events';
import { LIMITS } from '@shiplog/domain';
import { appParam, changed, id } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'apps';
const field = z.enum(LIMITS);

export const processLimits = limits
  .extend({
    process: z.string(),
    own: z.array(field).describe('Which of them are its own; the others are those of the app.'),
    refused: z
      .array(z.object({ instance: id, summary: z.string() }))
      .describe('Running instances that could not be given them yet, and why.'),
  })
  .meta({ id: 'ProcessLimits' });

export const listLimits = defineRoute({
  id: 'listLimits',
  method: 'GET',
  path: '/v1/apps/{app}/limits',
  summary: 'List the limits of each process type',
  tag,
  params: appParam,
  shows: true,
  answer: { status: 200, description: 'By process type.', schema: z.array(processLimits) },
});

export const resizeProcess = defineRoute({
  id: 'resizeProcess',
  method: 'PATCH',
  path: '/v1/apps/{app}/limits',
  summary: 'Give one process type other limits than its app; running instances are not restarted',
  tag,
  params: appParam,
  body: z
    .strictObject({
      process: processType,
      set: ownLimits.default({}),
      unset: z.array(field).default([]).describe('Limits that are those of the app again.'),
    })
    .refine(
      ({ set, unset }) => Object.keys(set).length + unset.length > 0,
      'name at least one limit to set or to unset: {"process": "web", "set": {"memoryBytes": 536870912}}',
    ),
  answer: {
    status: 200,
    description: 'Its limits from now on; follow with `settled` until running instances have them.',
    schema: changed.extend({ limits }).meta({ id: 'ChangedLimits' }),
  },
  refuses: ['process-type-unknown', 'reservation-above-limit'],
});
