import type { Limits } from '@shiplog/events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { APP, created, given as givenOf, released, scaled } from '../testing/index.js';
import { app } from './index.js';
import { isSameValue, limitsOf, TAKES_EFFECT } from './resources.js';
import { DEFAULT_SETTINGS } from './state.js';

const given = givenOf(app);
const MB = 1024 * 1024;
const running = [created, released(1), scaled({ web: 1, worker: 0 })];
const changed = (changes: object) =>
  ({ type: 'SettingsChanged', v: 4, data: { appId: APP, changes } }) as never;
const resized = (limits: object, process = 'worker') =>
  ({ type: 'ProcessResized', v: 1, data: { appId: APP, process, limits } }) as const;

describe('a canary without a share', () => {
  const change = (changes: object) =>
    ({ type: 'ChangeSettings', changes, baseVersion: null }) as never;

  it('needs requests that match', () => {
    given(created)
      .when(change({ canarySteps: '0,50' }))
      .thenRejected({ code: 'canary-without-requests', steps: '0,50' });
    const both = { canarySteps: '0,50', canaryMatch: 'cookie:beta' };
    given(created).when(change(both)).then(changed(both));
    given(created, changed(both))
      .when(change({ canaryMatch: null }))
      .thenRejected({ code: 'canary-without-requests', steps: '0,50' });
  });
});

describe('settings', () => {
  it.each(Object.entries(TAKES_EFFECT))('%s: %s', (field, effect) => {
    const value: unknown = {
      port: 3000,
      protocol: 'h2c',
      healthPath: '/up',
      ulimits: { core: { soft: 0, hard: 0 } },
      tmpfs: [{ path: '/tmp', sizeBytes: MB }],
      readOnlyRoot: true,
      runtime: 'runsc',
      stopFirst: ['web'],
      cpus: 0.5,
      cpuReservation: 0.5,
      memoryReservationBytes: 16 * MB,
    }[field];
    const changes = { [field]: value ?? 300 * MB };
    const { outcome, events } = app.decide(
      { type: 'ChangeSettings', changes, baseVersion: 1 },
      running.reduce(app.evolve, app.initialState),
    ) as unknown as { outcome: string; events: { type: string }[] };
    expect(outcome).toBe('accepted');
    expect(events.map(({ type }) => type)).toEqual(
      effect === 'replace' ? ['SettingsChanged', 'AppRestarted'] : ['SettingsChanged'],
    );
  });

  it('that are equal change nothing, tables and lists too', () => {
    const ulimits = { nofile: { soft: 1, hard: 2 }, core: { soft: 0, hard: 0 } };
    const again = { core: { soft: 0, hard: 0 }, nofile: { soft: 1, hard: 2 } };
    given(...running, changed({ ulimits }))
      .when({ type: 'ChangeSettings', changes: { ulimits: again, tmpfs: [] }, baseVersion: 1 })
      .thenNothing();
    expect(isSameValue([{ path: '/a' }], [{ path: '/b' }])).toBe(false);
  });

  it('cannot reserve more than there may be, whichever of both changes', () => {
    const reserve = { memoryReservationBytes: 600 * MB };
    given(...running)
      .when({ type: 'ChangeSettings', changes: reserve, baseVersion: 1 })
      .thenRejected({
        code: 'reservation-above-limit',
        what: 'memory',
        reservation: 600 * MB,
        limit: 512 * MB,
      });
    given(...running, changed({ cpuReservation: 0.8 }))
      .when({ type: 'ChangeSettings', changes: { cpus: 0.5 }, baseVersion: 1 })
      .thenRejected({
        code: 'reservation-above-limit',
        what: 'cpus',
        reservation: 0.8,
        limit: 0.5,
      });
  });
});

describe('a process type of which no two instances may run', () => {
  const once = changed({ stopFirst: ['worker'] });
  it('is not scaled above one', () => {
    given(...running, once)
      .when({ type: 'Scale', formation: { worker: 2 } })
      .thenRejected({ code: 'process-runs-once', processType: 'worker', requested: 2 });
    given(...running, once)
      .when({ type: 'Scale', formation: { worker: 1, web: 5 } })
      .then(scaled({ worker: 1, web: 5 }));
  });
  it('is not made such while more are wanted', () => {
    given(...running, scaled({ worker: 3 }))
      .when({ type: 'ChangeSettings', changes: { stopFirst: ['worker'] }, baseVersion: 1 })
      .thenRejected({ code: 'process-runs-once', processType: 'worker', requested: 3 });
    given(...running)
      .when({ type: 'ChangeSettings', changes: { stopFirst: ['worker'] }, baseVersion: 1 })
      .then(once);
  });
});

describe('limits of a process type', () => {
  it('are recorded whole, and taken back one by one', () => {
    given(...running)
      .when({ type: 'ResizeProcess', process: 'worker', set: { cpus: 2 }, unset: [] })
      .then(resized({ cpus: 2 }));
    given(...running, resized({ cpus: 2, pids: 9 }))
      .when({ type: 'ResizeProcess', process: 'worker', set: { pids: 8 }, unset: ['cpus'] })
      .then(resized({ pids: 8 }));
    given(...running, resized({ pids: 9 }))
      .when({ type: 'ResizeProcess', process: 'worker', set: { pids: 9 }, unset: ['cpus'] })
      .thenNothing();
  });
  it('are refused for a process type that the app does not have', () => {
    given(...running)
      .when({ type: 'ResizeProcess', process: 'cron', set: { cpus: 2 }, unset: [] })
      .thenRejected({
        code: 'process-type-unknown',
        processType: 'cron',
        known: ['web', 'worker'],
      });
  });
  it('are refused where more is reserved than the app may have', () => {
    const set = { memoryReservationBytes: 600 * MB };
    given(...running)
      .when({ type: 'ResizeProcess', process: 'worker', set, unset: [] })
      .thenRejected({
        code: 'reservation-above-limit',
        what: 'memory',
        reservation: 600 * MB,
        limit: 512 * MB,
      });
  });
  it('come before those of the app, for that process type alone', () => {
    const of = { settings: DEFAULT_SETTINGS, ownLimits: { worker: { memoryBytes: 64 * MB } } };
    const whole: Limits = {
      memoryBytes: 512 * MB,
      memoryReservationBytes: 512 * MB,
      cpus: 1,
      cpuReservation: 1,
      pids: 512,
      ioWeight: 500,
    };
    expect(limitsOf(of, 'web')).toEqual(whole);
    expect(limitsOf(of, 'constructor')).toEqual(whole);
    expect(limitsOf(of, 'worker')).toEqual({
      ...whole,
      memoryBytes: 64 * MB,
      memoryReservationBytes: 64 * MB,
    });
  });
  it('never reserve more than the limit, whatever is said where', () => {
    const bytes = fc.integer({ min: 6 * MB, max: 2 ** 40 });
    const some = fc.record(
      {
        memoryBytes: bytes,
        memoryReservationBytes: fc.option(bytes),
        cpus: fc.integer({ min: 1 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(some, some, (ofApp, own) => {
        const settings = { ...DEFAULT_SETTINGS, ...ofApp };
        const limits = limitsOf({ settings, ownLimits: { web: own } }, 'web');
        expect(limits.memoryReservationBytes).toBeLessThanOrEqual(limits.memoryBytes);
        expect(limits.cpuReservation).toBeLessThanOrEqual(limits.cpus);
      }),
    );
  });
});
