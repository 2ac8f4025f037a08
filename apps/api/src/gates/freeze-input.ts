import { freezeName, type FreezeWindow } from '@shiplog/events';
import {
  CronSchedule,
  momentIn,
  openSpan,
  nextSpan,
  refuseUnknownZone,
  ScheduleError,
} from '@shiplog/schedule';
import { Problem } from '../http/problem.js';

/** Years of the log have four digits. */
export const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** It is typed in commands: a stricter word than what the address takes. */
export const nameOf = (text: string): string => {
  const parsed = freezeName.safeParse(text);
  if (parsed.success) return parsed.data;
  const message = `expected ${parsed.error.issues[0]?.message ?? 'a name'}.`;
  throw new Problem('invalid-input', `path.freeze: ${message}`, {
    errors: [{ path: 'path.freeze', message }],
  });
};

/** The window as the log keeps it; refuses one that is none, or that never opens (again). */
export const windowOf = (given: FreezeWindow, timeZone: string, nowMs: number): FreezeWindow => {
  try {
    refuseUnknownZone(timeZone);
    const window = inInstants(given, timeZone);
    const comes = openSpan(window, timeZone, nowMs) ?? nextSpan(window, timeZone, nowMs);
    if (comes !== null) return window;
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    const part = error.part === 'timeZone' ? 'timeZone' : placeOf(given);
    throw invalid(part, `${error.message}.`);
  }
  throw invalid(
    placeOf(given),
    given.kind === 'once'
      ? 'this window is over already.'
      : 'it never comes: there is no such day.',
  );
};

const placeOf = ({ kind }: FreezeWindow): string =>
  kind === 'cron' ? 'window.schedule' : 'window';

const inInstants = (given: FreezeWindow, timeZone: string): FreezeWindow => {
  if (given.kind === 'cron') {
    // Throws where it is no schedule.
    new CronSchedule(given.schedule, timeZone);
    return given;
  }
  if (given.kind === 'weekly') {
    if (given.from !== given.until) return given;
    throw invalid('window.until', 'the window ends when it begins: it is never open.');
  }
  const [from, until] = [given.from, given.until].map((text) => momentIn(text, timeZone)) as [
    number,
    number,
  ];
  if (until <= from) throw invalid('window.until', 'the window ends before it begins.');
  if (until > LATEST_MS) throw invalid('window.until', 'the window ends after the year 9999.');
  return {
    kind: 'once',
    from: new Date(from).toISOString(),
    until: new Date(until).toISOString(),
  };
};

const invalid = (place: string, message: string): Problem => {
  const path = `body.${place}`;
  return new Problem('invalid-body', `${path}: ${message}`, { errors: [{ path, message }] });
};
