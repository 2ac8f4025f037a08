/** When backups are made by themselves. All times are UTC: no hour comes twice or not at all. */
export type Schedule =
  | { readonly kind: 'off' }
  | { readonly kind: 'every'; readonly hours: number }
  | { readonly kind: 'daily'; readonly minute: number }
  /** 0 is Sunday. */
  | { readonly kind: 'weekly'; readonly weekday: number; readonly minute: number };

export const SCHEDULE_FORMS =
  '"off", "hourly", "every 6h" (1 to 24, a divisor of 24), "daily 03:00" or "weekly sunday 03:00" (UTC)';

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MINUTE_MS = 60_000;
/** 1970-01-04 was a Sunday. */
const FIRST_SUNDAY_MS = 3 * DAY_MS;

const minuteOf = (text: string | undefined): number | undefined => {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text ?? '');
  return match === null ? undefined : Number(match[1]) * 60 + Number(match[2]);
};

/** Undefined for what is none of `SCHEDULE_FORMS`. */
export const parseSchedule = (text: string): Schedule | undefined => {
  if (text === 'off') return { kind: 'off' };
  if (text === 'hourly') return { kind: 'every', hours: 1 };
  return text.startsWith('every ') ? everyOf(text) : atMinute(text);
};

const everyOf = (text: string): Schedule | undefined => {
  const hours = Number(/^every ([1-9]\d?)h$/.exec(text)?.[1] ?? '0');
  return hours > 0 && 24 % hours === 0 ? { kind: 'every', hours } : undefined;
};

const atMinute = (text: string): Schedule | undefined => {
  const [kind, ...rest] = text.split(' ');
  const minute = minuteOf(rest.at(-1));
  if (minute === undefined) return undefined;
  if (kind === 'daily' && rest.length === 1) return { kind: 'daily', minute };
  const weekday = WEEKDAYS.indexOf(rest[0] ?? '');
  return kind === 'weekly' && rest.length === 2 && weekday >= 0
    ? { kind: 'weekly', weekday, minute }
    : undefined;
};

const grid = (
  schedule: Exclude<Schedule, { kind: 'off' }>,
): { stepMs: number; offsetMs: number } => {
  switch (schedule.kind) {
    case 'every':
      return { stepMs: schedule.hours * HOUR_MS, offsetMs: 0 };
    case 'daily':
      return { stepMs: DAY_MS, offsetMs: schedule.minute * MINUTE_MS };
    case 'weekly':
      return {
        stepMs: 7 * DAY_MS,
        offsetMs: FIRST_SUNDAY_MS + schedule.weekday * DAY_MS + schedule.minute * MINUTE_MS,
      };
  }
};

/** The newest moment of the schedule that has come; undefined when it is off. */
export const lastDue = (schedule: Schedule, nowMs: number): number | undefined => {
  if (schedule.kind === 'off') return undefined;
  const { stepMs, offsetMs } = grid(schedule);
  return Math.floor((nowMs - offsetMs) / stepMs) * stepMs + offsetMs;
};

/** The first moment after `nowMs`; undefined when it is off. */
export const nextDue = (schedule: Schedule, nowMs: number): number | undefined => {
  const last = lastDue(schedule, nowMs);
  return last === undefined || schedule.kind === 'off' ? undefined : last + grid(schedule).stepMs;
};
