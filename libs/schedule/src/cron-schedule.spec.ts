import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CronSchedule, ScheduleError } from './cron-schedule.js';

const at = (text: string): number => Date.parse(text);
const dues = (schedule: string, zone: string, from: string, count: number): string[] => {
  const cron = new CronSchedule(schedule, zone);
  const found: string[] = [];
  for (
    let ms = cron.nextAfter(at(from));
    ms !== null && found.length < count;
    ms = cron.nextAfter(ms)
  ) {
    found.push(new Date(ms).toISOString().slice(5, 16));
  }
  return found;
};

describe('due times', () => {
  it('are those of the clock of the zone', () => {
    expect(dues('30 3 * * *', 'Asia/Kolkata', '2026-06-01T00:00:00Z', 2)).toEqual([
      '06-01T22:00',
      '06-02T22:00',
    ]);
    expect(dues('@daily', 'UTC', '2026-06-01T00:00:00Z', 1)).toEqual(['06-02T00:00']);
    expect(dues('0 9 * * MON-FRI', 'UTC', '2026-06-05T09:00:00Z', 1)).toEqual(['06-08T09:00']);
  });

  it('that do not come in the night when the clock is put forward are due after the gap, once', () => {
    // In Berlin 02:00 to 03:00 does not exist on 29 March 2026.
    expect(dues('30 2 * * *', 'Europe/Berlin', '2026-03-28T02:00:00Z', 3)).toEqual([
      '03-29T01:00',
      '03-30T00:30',
      '03-31T00:30',
    ]);
    expect(dues('30 2,14 * * *', 'Europe/Berlin', '2026-03-28T14:00:00Z', 3)).toEqual([
      '03-29T01:00',
      '03-29T12:30',
      '03-30T00:30',
    ]);
    expect(dues('15 * * * *', 'Europe/Berlin', '2026-03-29T00:00:00Z', 3)).toEqual([
      '03-29T00:15',
      '03-29T01:15',
      '03-29T02:15',
    ]);
  });

  it('that come twice in the night when the clock is put back are due once; steps go on evenly', () => {
    // In Berlin 02:00 to 03:00 comes twice on 25 October 2026.
    expect(dues('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual([
      '10-25T00:30',
      '10-26T01:30',
    ]);
    expect(dues('*/30 * * * *', 'Europe/Berlin', '2026-10-25T00:00:00Z', 4)).toEqual([
      '10-25T00:30',
      '10-25T01:00',
      '10-25T01:30',
      '10-25T02:00',
    ]);
  });

  it('never come where there is no such day', () => {
    expect(new CronSchedule('0 0 30 2 *', 'UTC').nextAfter(at('2026-01-01T00:00:00Z'))).toBeNull();
  });
});

describe('the newest due time of a span', () => {
  it('is told with how many came before it', () => {
    const cron = new CronSchedule('*/5 * * * *', 'UTC');
    const span = (from: string, to: string) =>
      cron.lastDue(at(`2026-01-01T${from}Z`), at(`2026-01-01T${to}Z`));
    expect(span('10:00:00', '10:04:59')).toBeNull();
    expect(span('10:00:00', '10:05:00')).toEqual({ dueMs: at('2026-01-01T10:05:00Z'), earlier: 0 });
    expect(span('10:00:00', '10:17:00')).toEqual({ dueMs: at('2026-01-01T10:15:00Z'), earlier: 2 });
    expect(span('10:15:00', '10:17:00')).toBeNull();
  });

  it('is the last of the due times counted one by one, in every zone and over every change of clocks', () => {
    const schedules = [
      '30 2 * * *',
      '15 1,2,3 * * *',
      '*/20 * * * *',
      '0 0 * * SUN',
      '5 */3 * * *',
    ];
    const zones = [
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'UTC',
      'Asia/Kathmandu',
    ];
    const changes = [
      '2026-03-29T01:00Z',
      '2026-10-25T01:00Z',
      '2026-03-08T07:00Z',
      '2026-11-01T06:00Z',
      '2026-04-04T15:00Z',
    ];
    const hour = 3_600_000;
    fc.assert(
      fc.property(
        fc.constantFrom(...schedules),
        fc.constantFrom(...zones),
        fc.constantFrom(...changes),
        fc.integer({ min: -12 * 60, max: 12 * 60 }),
        fc.integer({ min: 0, max: 24 * 60 }),
        (schedule, zone, change, beginMinutes, minutes) => {
          const cron = new CronSchedule(schedule, zone);
          const from = at(change) + (beginMinutes * hour) / 60;
          const until = from + (minutes * hour) / 60;
          const all: number[] = [];
          for (let ms = cron.nextAfter(from); ms !== null && ms <= until; ms = cron.nextAfter(ms))
            all.push(ms);
          const last = all.at(-1);
          expect(cron.lastDue(from, until)).toEqual(
            last === undefined ? null : { dueMs: last, earlier: all.length - 1 },
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('what is no schedule', () => {
  it.each([
    ['* * * *', 'UTC', 'five fields'],
    ['* * * * * *', 'UTC', 'five fields'],
    ['61 * * * *', 'UTC', 'minute: 61'],
    ['@reboot', 'UTC', 'five fields'],
    ['? * * * *', 'UTC', '"?"'],
    ['2026-01-01T00:00:00', 'UTC', 'five fields'],
    ['* * * * *', 'Mars/Olympus', 'Europe/Berlin'],
  ])('%s in %s is refused and told what would be right', (schedule, zone, hint) => {
    expect(() => new CronSchedule(schedule, zone)).toThrow(ScheduleError);
    expect(() => new CronSchedule(schedule, zone)).toThrow(hint);
  });
});
