import { CronDate } from 'croner';
import { CronSchedule, refuseUnknownZone, ScheduleError } from './cron-schedule.js';

/** As `freezeWindow` of libs/events has it. */
export type FreezeWindow =
  | { readonly kind: 'weekly'; readonly from: string; readonly until: string }
  | { readonly kind: 'cron'; readonly schedule: string; readonly seconds: number }
  | { readonly kind: 'once'; readonly from: string; readonly until: string };

/** From `fromMs` on, until just before `untilMs`. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Windows that run into each other are followed for so many; beyond, the end is that of the last one. */
const JOINED_MAX = 100;
const WEEK_MS = 7 * 24 * 3_600_000;

/** The window that is open at that time; null: none is. */
export const openSpan = (window: FreezeWindow, timeZone: string, atMs: number): Span | null => {
  switch (window.kind) {
    case 'once': {
      const span = { fromMs: Date.parse(window.from), untilMs: Date.parse(window.until) };
      return span.fromMs <= atMs && atMs < span.untilMs ? span : null;
    }
    case 'weekly': {
      const [from, until] = weekly(window, timeZone);
      const untilMs = until.nextAfter(atMs);
      const opensMs = from.nextAfter(atMs);
      // Whichever comes first says on which side of it we are.
      if (untilMs === null || opensMs === null || untilMs > opensMs) return null;
      // One hour more than a week: the clock may have been put back in it.
      const fromMs = from.lastDue(atMs - WEEK_MS - 3_600_000, atMs)?.dueMs ?? atMs;
      return { fromMs, untilMs };
    }
    case 'cron': {
      const cron = new CronSchedule(window.schedule, timeZone);
      const lengthMs = window.seconds * 1000;
      const last = cron.lastDue(atMs - lengthMs, atMs);
      if (last === null) return null;
      return { fromMs: last.dueMs, untilMs: endOf(cron, last.dueMs + lengthMs, lengthMs) };
    }
  }
};

/** The first window that opens after that time. */
export const nextSpan = (window: FreezeWindow, timeZone: string, afterMs: number): Span | null => {
  const fromMs = nextOpening(window, timeZone, afterMs);
  return fromMs === null ? null : openSpan(window, timeZone, fromMs);
};

const nextOpening = (window: FreezeWindow, timeZone: string, afterMs: number): number | null => {
  switch (window.kind) {
    case 'once': {
      const fromMs = Date.parse(window.from);
      return fromMs > afterMs ? fromMs : null;
    }
    case 'weekly':
      return weekly(window, timeZone)[0].nextAfter(afterMs);
    case 'cron':
      return new CronSchedule(window.schedule, timeZone).nextAfter(afterMs);
  }
};

const weekly = (
  { from, until }: { readonly from: string; readonly until: string },
  timeZone: string,
): readonly [CronSchedule, CronSchedule] => [
  new CronSchedule(cronOf(from), timeZone),
  new CronSchedule(cronOf(until), timeZone),
];

/** `FRI 16:00` as the five fields of cron. */
const cronOf = (weekTime: string): string => {
  const [day = '', time = ''] = weekTime.split(' ');
  const [hour = '', minute = ''] = time.split(':');
  return `${Number(minute)} ${Number(hour)} * * ${day}`;
};

const endOf = (cron: CronSchedule, untilMs: number, lengthMs: number): number => {
  let end = untilMs;
  for (let joined = 0; joined < JOINED_MAX; joined += 1) {
    const last = cron.lastDue(end - lengthMs, end);
    if (last === null) return end;
    end = last.dueMs + lengthMs;
  }
  return end;
};

/**
 * A time by the clock of a zone (`2026-12-24T12:00`), or one that says its zone itself, in milliseconds. A time of
 * day that the clock leaves out is as much later, one that comes twice is the first.
 */
export const momentIn = (text: string, timeZone: string): number => {
  const [, minutes, seconds = '00'] = LOCAL_TIME.exec(text) ?? [];
  if (minutes === undefined) {
    if (HAS_ZONE.test(text) && !Number.isNaN(Date.parse(text))) return Date.parse(text);
    throw noTime(text);
  }
  refuseUnknownZone(timeZone);
  const local = `${minutes}:${seconds}`;
  // Read as UTC it comes back as it was, unless there is no such day.
  const asUtc = Date.parse(`${local}Z`);
  if (Number.isNaN(asUtc) || !new Date(asUtc).toISOString().startsWith(local)) throw noTime(text);
  return new CronDate(local, timeZone).getTime();
};

const LOCAL_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::(\d\d))?$/;
const HAS_ZONE = /T\d\d:\d\d.*(?:Z|[+-]\d\d:\d\d)$/;

const noTime = (text: string): ScheduleError =>
  new ScheduleError('schedule', `"${text}" is no time: expected one such as 2026-12-24T12:00`);
