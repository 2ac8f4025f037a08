import { z } from 'zod';
import { cronWindow, weeklyWindow } from '@shiplog/events';
import { appParam, changed, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'locks and freezes';

export const lock = z
  .object({
    by: z.string(),
    why: z.string(),
    since: time,
    until: time.nullable().describe('When it ends by itself; null: not.'),
  })
  .meta({ id: 'Lock' });

const frozen = z.object({
  freeze: z.string().describe('Name of the freeze window.'),
  ofPlatform: z.boolean().describe('Of all apps; only administrators put it aside.'),
  why: z.string().nullable(),
  until: time,
});

/** What stands in the way of releases. */
export const gate = z
  .object({
    lock: lock.nullable().describe('While it holds nothing makes or moves releases.'),
    frozen: z.array(frozen).describe('Freeze windows that are open.'),
    nextFreeze: frozen.extend({ from: time }).nullable().describe('The next one that opens.'),
  })
  .meta({ id: 'Gate' });

const { schedule, seconds } = cronWindow.shape;
const cron = cronWindow.extend({
  schedule: schedule.describe('Five fields, as of a cron job.'),
  seconds: seconds.describe('How long it is open from each due time on.'),
});
const moment = z
  .string()
  .max(40)
  .describe('By the clock of the time zone (2026-12-24T12:00), or with a zone of its own.');
const once = z.strictObject({ kind: z.literal('once'), from: moment, until: moment });
const window = z.discriminatedUnion('kind', [weeklyWindow, cron, once]);

export const freezeSchema = z
  .object({
    freeze: z.string(),
    ofPlatform: z.boolean(),
    window,
    timeZone: z.string(),
    why: z.string().nullable(),
    openUntil: time.nullable().describe('When it closes; null: it is not open.'),
    next: z
      .object({ from: time, until: time })
      .nullable()
      .describe('When it opens next; null: never.'),
  })
  .meta({ id: 'Freeze' });

export const lockApp = defineRoute({
  id: 'lockApp',
  method: 'POST',
  path: '/v1/apps/{app}/lock',
  summary: 'Lock an app: nothing makes or moves its releases; Shiplog-Reason says why',
  tag,
  params: appParam,
  body: z.strictObject({
    until: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('When it ends by itself; absent: when somebody unlocks the app.'),
  }),
  answer: {
    status: 200,
    description: 'The lock.',
    schema: changed.extend({ lock }).meta({ id: 'LockedApp' }),
  },
  refuses: ['lock-held'],
});

export const unlockApp = defineRoute({
  id: 'unlockApp',
  method: 'POST',
  path: '/v1/apps/{app}/unlock',
  summary: 'Unlock an app',
  tag,
  params: appParam,
  body: z.strictObject({}),
  answer: {
    status: 200,
    description: 'It is not locked.',
    schema: changed
      .extend({ unlocked: z.boolean().describe('False: it was not locked.') })
      .meta({ id: 'UnlockedApp' }),
  },
});

const freezeBody = z.strictObject({
  window,
  timeZone: z.string().min(1).max(64).default('UTC').describe('By whose clock: Europe/Berlin.'),
});
const freezeParams = { freeze: z.string().max(64).describe('Its name, such as weekend.') };
const added = changed.extend({ freeze: freezeSchema }).meta({ id: 'AddedFreeze' });

export const listFreezes = defineRoute({
  id: 'listFreezes',
  method: 'GET',
  path: '/v1/apps/{app}/freezes',
  summary: 'List the freeze windows that count for an app: its own and those of the platform',
  tag,
  params: appParam,
  shows: true,
  answer: {
    status: 200,
    description: 'Those of the platform first.',
    schema: z.array(freezeSchema),
  },
});

export const addFreeze = defineRoute({
  id: 'addFreeze',
  method: 'PUT',
  path: '/v1/apps/{app}/freezes/{freeze}',
  summary: 'Add a freeze window to an app: while it is open nothing makes releases',
  tag,
  params: { ...appParam, ...freezeParams },
  body: freezeBody,
  answer: { status: 200, description: 'The freeze window.', schema: added },
  refuses: ['freeze-exists', 'too-many-freezes'],
});

export const removeFreeze = defineRoute({
  id: 'removeFreeze',
  method: 'DELETE',
  path: '/v1/apps/{app}/freezes/{freeze}',
  summary: 'Remove a freeze window of an app',
  tag,
  params: { ...appParam, ...freezeParams },
  answer: { status: 200, description: 'It is gone.', schema: changed },
  refuses: ['freeze-not-found'],
});

export const listPlatformFreezes = defineRoute({
  id: 'listPlatformFreezes',
  method: 'GET',
  path: '/v1/freezes',
  summary: 'List the freeze windows of the whole platform',
  tag,
  access: 'user',
  shows: true,
  answer: { status: 200, description: 'By name.', schema: z.array(freezeSchema) },
});

export const addPlatformFreeze = defineRoute({
  id: 'addPlatformFreeze',
  method: 'PUT',
  path: '/v1/freezes/{freeze}',
  summary: 'Add a freeze window to the whole platform',
  tag,
  access: 'administrator',
  params: freezeParams,
  body: freezeBody,
  answer: { status: 200, description: 'The freeze window.', schema: added },
  refuses: ['freeze-exists', 'too-many-freezes'],
});

export const removePlatformFreeze = defineRoute({
  id: 'removePlatformFreeze',
  method: 'DELETE',
  path: '/v1/freezes/{freeze}',
  summary: 'Remove a freeze window of the platform',
  tag,
  access: 'administrator',
  params: freezeParams,
  answer: { status: 200, description: 'It is gone.', schema: changed },
  refuses: ['freeze-not-found'],
});
