import { z } from 'zod';
import { addressRange, MAINTENANCE_ALLOW_MAX, MAINTENANCE_PAGE_BYTES_MAX } from '@shiplog/events';
import { appParam, changed, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'maintenance';
const BYTES = `at most ${MAINTENANCE_PAGE_BYTES_MAX} bytes`;

const status = {
  on: z.boolean().describe('Do clients get a page instead of the app?'),
  since: time.nullable(),
  by: z.string().nullable(),
  why: z.string().nullable(),
  page: z
    .string()
    .nullable()
    .describe('HTML that browsers get, on one line; null: the page of the platform.'),
  allow: z.array(z.string()).describe('Addresses and ranges that reach the app all the same.'),
};
export const maintenanceStatus = z.object(status).meta({ id: 'Maintenance' });
const after = changed.extend(status).meta({ id: 'ChangedMaintenance' });

export const showMaintenance = defineRoute({
  id: 'showMaintenance',
  method: 'GET',
  path: '/v1/apps/{app}/maintenance',
  summary: 'Show whether an app is in maintenance, since when, and why',
  tag,
  params: appParam,
  shows: true,
  answer: { status: 200, description: 'How it is.', schema: maintenanceStatus },
});

export const beginMaintenance = defineRoute({
  id: 'beginMaintenance',
  method: 'PUT',
  path: '/v1/apps/{app}/maintenance',
  summary:
    'Answer with a page (503, Retry-After) instead of the app; deploys and health checks go on',
  tag,
  params: appParam,
  body: z.strictObject({
    page: z
      .string()
      .min(1)
      .max(MAINTENANCE_PAGE_BYTES_MAX, BYTES)
      .nullable()
      .default(null)
      .describe(
        `HTML for browsers, ${BYTES}; null: the page of the platform. Others get text or JSON.`,
      ),
    allow: z
      .array(addressRange)
      .max(MAINTENANCE_ALLOW_MAX, `at most ${MAINTENANCE_ALLOW_MAX}`)
      .default([])
      .describe('Addresses and ranges that reach the app all the same.'),
  }),
  answer: { status: 200, description: 'The maintenance as it is now.', schema: after },
});

export const endMaintenance = defineRoute({
  id: 'endMaintenance',
  method: 'DELETE',
  path: '/v1/apps/{app}/maintenance',
  summary: 'Let clients reach the app again',
  tag,
  params: appParam,
  answer: { status: 200, description: 'It is not in maintenance.', schema: after },
});
