import { z } from 'zod';
import { defineEvent } from './event.js';
import { id, PROCESS_TYPE_PATTERN } from './ids.js';
import { actor } from './who.js';

const why = z.string().min(1).max(500);

/** What a freeze window is called: it is removed by that name, and stands in refusals. */
export const freezeName = z
  .string()
  .regex(
    PROCESS_TYPE_PATTERN,
    'lower-case letters, digits and "-", starting with a letter, at most 30 characters',
  );

/** A moment of the week by the clock of a time zone: `FRI 16:00`. */
const weekTime = z
  .string()
  .regex(
    /^(?:MON|TUE|WED|THU|FRI|SAT|SUN) (?:[01]\d|2[0-3]):[0-5]\d$/,
    'a day and a time such as "FRI 16:00"',
  );

/** Every week. */
export const weeklyWindow = z.strictObject({
  kind: z.literal('weekly'),
  from: weekTime,
  until: weekTime,
});

/** From each due time of a cron schedule on, for so long. */
export const cronWindow = z.strictObject({
  kind: z.literal('cron'),
  schedule: z.string().min(1).max(200),
  seconds: z
    .number()
    .int()
    .min(60, 'at least 60 seconds')
    .max(2_678_400, 'at most 31 days (2678400 seconds)'),
});

/** When releases are frozen. */
export const freezeWindow = z.discriminatedUnion('kind', [
  weeklyWindow,
  cronWindow,
  z.strictObject({ kind: z.literal('once'), from: z.iso.datetime(), until: z.iso.datetime() }),
]);
export type FreezeWindow = z.infer<typeof freezeWindow>;

export const freeze = z.strictObject({
  window: freezeWindow,
  /** By whose clock: a name of the IANA database. */
  timeZone: z.string().min(1).max(64),
  why: why.nullable(),
});
export type Freeze = z.infer<typeof freeze>;

/** Of an app: nothing that makes or moves releases is done while it is locked. */
export const lockEvents = [
  defineEvent('AppLocked', 1, {
    appId: id,
    by: actor,
    why,
    since: z.iso.datetime(),
    /** When it ends by itself; null: not. */
    until: z.iso.datetime().nullable(),
  }),
  defineEvent('AppUnlocked', 1, { appId: id }),
  /** The rest of its commit was done in spite of this lock. */
  defineEvent('LockOverridden', 1, { appId: id, by: actor, why, since: z.iso.datetime() }),
  /** The rest of its commit was done within this freeze window. */
  defineEvent('FreezeOverridden', 1, {
    appId: id,
    freeze: freezeName,
    ofPlatform: z.boolean(),
    until: z.iso.datetime(),
  }),
] as const;

/** Freeze windows of one app (the stream has its id) or of the whole platform. Only the api writes this stream. */
export const freezeEvent = z.discriminatedUnion('type', [
  defineEvent('FreezeAdded', 1, {
    /** Null: of all apps. */
    appId: id.nullable(),
    freeze: freezeName,
    ...freeze.shape,
  }),
  defineEvent('FreezeRemoved', 1, { appId: id.nullable(), freeze: freezeName }),
]);
export type FreezeEvent = z.infer<typeof freezeEvent>;
