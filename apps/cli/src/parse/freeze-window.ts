import type { FreezeRequest } from '@shiplog/api-client';
import { usageError } from '../exit-code.js';

type Window = FreezeRequest['window'];

const DAYS: Readonly<Record<string, string>> = {
  mon: 'MON',
  monday: 'MON',
  tue: 'TUE',
  tuesday: 'TUE',
  wed: 'WED',
  wednesday: 'WED',
  thu: 'THU',
  thursday: 'THU',
  fri: 'FRI',
  friday: 'FRI',
  sat: 'SAT',
  saturday: 'SAT',
  sun: 'SUN',
  sunday: 'SUN',
};
const WEEKLY = /^([a-z]+) +(\d\d?):(\d\d) *(?:-|–|to) *([a-z]+) +(\d\d?):(\d\d)$/i;
const EXAMPLE = "Write for example 'Fri 16:00 - Mon 08:00'.";

/** `Fri 16:00 - Mon 08:00`: every week. */
export const parseWeekly = (text: string): Window => {
  const match = WEEKLY.exec(text.trim());
  if (match === null) throw usageError(`"${text}" is no time of the week`, EXAMPLE);
  const [, day, hour, minute, lastDay, lastHour, lastMinute] = match;
  return {
    kind: 'weekly',
    from: weekTime(day, hour, minute),
    until: weekTime(lastDay, lastHour, lastMinute),
  };
};

const weekTime = (day = '', hour = '', minute = ''): string => {
  const known = DAYS[day.toLowerCase()];
  if (known === undefined) throw usageError(`"${day}" is no day of the week`, EXAMPLE);
  if (Number(hour) > 23 || Number(minute) > 59) {
    throw usageError(`${hour}:${minute} is no time of the day`, EXAMPLE);
  }
  return `${known} ${hour.padStart(2, '0')}:${minute}`;
};
