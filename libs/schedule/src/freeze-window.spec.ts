import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CronSchedule, ScheduleError } from './cron-schedule.js';
import { momentIn, nextSpan, openSpan, type FreezeWindow, type Span } from './freeze-window.js';

const at = (text: string): number => Date.parse(text);
const shown = (span: Span | null): string | null =>
  span === null
    ? null
    : [span.fromMs, span.untilMs].map((ms) => new Date(ms).toISOString().slice(0, 16)).join(' ');

const WEEKEND: FreezeWindow = { kind: 'weekly', from: 'FRI 16:00', until: 'MON 08:00' };
const NIGHTS: FreezeWindow = { kind: 'cron', schedule: '0 22 * * *', seconds: 8 * 3600 };

describe('a freeze window', () => {
  it('of the week is open from its first moment until just before its last, by the clock of its zone', () => {
    const open = (text: string) => shown(openSpan(WEEKEND, 'Europe/Berlin', at(text)));
    const weekend = '2026-06-05T14:00 2026-06-08T06:00';
    expect(open('2026-06-05T13:59:59.999Z')).toBeNull();
    expect(open('2026-06-05T14:00:00Z')).toBe(weekend);
    expect(open('2026-06-07T12:00:00Z')).toBe(weekend);
    expect(open('2026-06-08T05:59:59.999Z')).toBe(weekend);
    expect(open('2026-06-08T06:00:00Z')).toBeNull();
    expect(shown(nextSpan(WEEKEND, 'Europe/Berlin', at('2026-06-08T06:00:00Z')))).toBe(
      '2026-06-12T14:00 2026-06-15T06:00',
    );
  });

  it('of the week is as long as the clock says where that is changed in it', () => {
    // In Berlin the clock is put forward in the night to 29 March 2026, and back in the night to 25 October.
    const open = (text: string) => shown(openSpan(WEEKEND, 'Europe/Berlin', at(text)));
    expect(open('2026-03-29T12:00:00Z')).toBe('2026-03-27T15:00 2026-03-30T06:00');
    expect(open('2026-10-25T12:00:00Z')).toBe('2026-10-23T14:00 2026-10-26T07:00');
  });

  it('of a cron schedule is open for so long from each due time on', () => {
    const open = (text: string) => shown(openSpan(NIGHTS, 'UTC', at(text)));
    expect(open('2026-06-05T21:59:00Z')).toBeNull();
    expect(open('2026-06-05T22:00:00Z')).toBe('2026-06-05T22:00 2026-06-06T06:00');
    expect(open('2026-06-06T05:59:59Z')).toBe('2026-06-05T22:00 2026-06-06T06:00');
    expect(open('2026-06-06T06:00:00Z')).toBeNull();
  });

  it('whose openings run into each other ends with the last of them', () => {
    const joined: FreezeWindow = { kind: 'cron', schedule: '0 8,9,10 * * *', seconds: 3600 };
    expect(shown(openSpan(joined, 'UTC', at('2026-06-05T08:30:00Z')))).toBe(
      '2026-06-05T08:00 2026-06-05T11:00',
    );
  });

  it('that comes once does not come again', () => {
    const window = {
      kind: 'once',
      from: '2026-12-20T00:00:00.000Z',
      until: '2027-01-02T08:00:00.000Z',
    } as const;
    expect(openSpan(window, 'UTC', at('2026-12-19T23:59:59Z'))).toBeNull();
    expect(shown(openSpan(window, 'UTC', at('2026-12-20T00:00:00Z')))).not.toBeNull();
    expect(openSpan(window, 'UTC', at('2027-01-02T08:00:00Z'))).toBeNull();
    expect(nextSpan(window, 'UTC', at('2026-12-20T00:00:00Z'))).toBeNull();
  });

  it('is open exactly where the newest of its edges is its beginning', () => {
    const days = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'];
    const edge = fc
      .tuple(fc.constantFrom(...days), fc.nat(23), fc.nat(59))
      .map(([day, h, m]) => `${day} ${`${h}`.padStart(2, '0')}:${`${m}`.padStart(2, '0')}`);
    const edges = (text: string, zone: string): CronSchedule => {
      const [day, time = ''] = text.split(' ');
      const [h, m] = time.split(':').map(Number);
      return new CronSchedule(`${m} ${h} * * ${day}`, zone);
    };
    fc.assert(
      fc.property(
        edge,
        edge,
        fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe'),
        fc.integer({ min: at('2026-03-20T00:00Z'), max: at('2026-11-20T00:00Z') }),
        (from, until, zone, ms) => {
          fc.pre(from !== until);
          const week = 8 * 24 * 3_600_000;
          const opened = edges(from, zone).lastDue(ms - week, ms)?.dueMs ?? 0;
          const closed = edges(until, zone).lastDue(ms - week, ms)?.dueMs ?? 0;
          // Two times of day that the clock leaves out fall together: then neither side is right.
          fc.pre(opened !== closed);
          const span = openSpan({ kind: 'weekly', from, until }, zone, ms);
          expect(span !== null).toBe(opened > closed);
          if (span !== null) {
            expect(span.fromMs).toBe(opened);
            expect(span.untilMs).toBeGreaterThan(ms);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a time by the clock of a zone', () => {
  it.each([
    ['2026-12-24T12:00', 'Europe/Berlin', '2026-12-24T11:00:00.000Z'],
    ['2026-06-24T12:00:30', 'Asia/Kolkata', '2026-06-24T06:30:30.000Z'],
    ['2026-12-24T12:00:00Z', 'Europe/Berlin', '2026-12-24T12:00:00.000Z'],
    ['2026-12-24T12:00+02:00', 'UTC', '2026-12-24T10:00:00.000Z'],
    ['2026-03-29T02:30', 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
    ['2026-10-25T02:30', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
  ])('%s in %s', (text, zone, instant) => {
    expect(new Date(momentIn(text, zone)).toISOString()).toBe(instant);
  });

  it.each(['2026-02-30T12:00', '2026-12-24', 'tomorrow', '2026-12-24T25:00', '12:00'])(
    '%s is none',
    (text) => {
      expect(() => momentIn(text, 'Europe/Berlin')).toThrow(ScheduleError);
    },
  );
});
