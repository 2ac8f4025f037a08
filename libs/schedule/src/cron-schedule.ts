import { Cron } from 'croner';

/** What is wrong with a schedule or a time zone, in words for who wrote it. */
export class ScheduleError extends Error {
  constructor(
    readonly part: 'schedule' | 'timeZone',
    message: string,
  ) {
    super(message);
    this.name = 'ScheduleError';
  }
}

export const CRON_FORMS =
  'five fields: minute, hour, day of month, month, day of week, as in "30 3 * * *" or "*/15 8-18 * * MON-FRI"; or @hourly, @daily, @weekly, @monthly, @yearly';

/** Of the names that stand for five fields, those that are no single time. */
const NICKNAMES = new Set([
  '@hourly',
  '@daily',
  '@midnight',
  '@weekly',
  '@monthly',
  '@yearly',
  '@annually',
]);

/** Due times that are counted; more are as many as these. */
const COUNT_MAX = 1000;

/**
 * The due times of a cron job by the clock of a time zone. Where the clock is put forward, a time of day that
 * does not come that day is due at the first moment after the gap; where it is put back, one that comes
 * twice is due once. What is due every few minutes or hours ("*" or "/" in its minutes or hours) goes on in
 * even steps instead.
 */
export class CronSchedule {
  private readonly cron: Cron;

  /** Throws `ScheduleError`. */
  constructor(schedule: string, timeZone: string) {
    refuseUnknownZone(timeZone);
    const isNickname = schedule.startsWith('@');
    if (isNickname ? !NICKNAMES.has(schedule) : schedule.trim().split(/\s+/).length !== 5) {
      throw new ScheduleError(
        'schedule',
        `"${schedule}" is no cron schedule: it has ${CRON_FORMS}`,
      );
    }
    if (schedule.includes('?')) {
      throw new ScheduleError('schedule', '"?" is not known here: write "*"');
    }
    try {
      this.cron = new Cron(schedule, {
        timezone: timeZone,
        mode: '5-part',
        fixedTimeRule: 'no-wildcard',
        paused: true,
      });
    } catch (error) {
      const said = error instanceof Error ? error.message.replace(/^Cron\w*: /, '') : String(error);
      throw new ScheduleError('schedule', `"${schedule}" is no cron schedule: ${said}`);
    }
  }

  /** The first due time after that moment; null where there never is one. */
  nextAfter(ms: number): number | null {
    return this.cron.nextRun(new Date(ms))?.getTime() ?? null;
  }

  /** The newest due time in (after, until], and how many came before it in there. */
  lastDue(
    afterMs: number,
    untilMs: number,
  ): { readonly dueMs: number; readonly earlier: number } | null {
    const dueMs = this.cron.previousRuns(1, new Date(untilMs + 1))[0]?.getTime();
    if (dueMs === undefined || dueMs <= afterMs) return null;
    let earlier = 0;
    let at = this.nextAfter(afterMs);
    while (at !== null && at < dueMs && earlier < COUNT_MAX) {
      earlier += 1;
      at = this.nextAfter(at);
    }
    return { dueMs, earlier };
  }
}

/** Throws `ScheduleError`. */
export const refuseUnknownZone = (timeZone: string): void => {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    throw new ScheduleError(
      'timeZone',
      `"${timeZone}" is no time zone: expected a name such as Europe/Berlin or UTC`,
    );
  }
};
