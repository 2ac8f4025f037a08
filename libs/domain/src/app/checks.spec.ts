import type { AppEvent, ChecksRequest } from '@shiplog/events';
import { describe, expect, it } from 'vitest';
import { APP, given as givenOf } from '../testing/index.js';
import { checkName, checkOf, checkText, checksIn, wholeCheck, withCheck } from './checks.js';
import { app, DEFAULT_SETTINGS, type AppState } from './index.js';

const given = givenOf(app);
const created: AppEvent = {
  type: 'AppCreated',
  v: 1,
  data: { appId: APP, name: 'shop', teamId: 't1' },
};
const change = (checks: ChecksRequest) =>
  ({ type: 'ChangeSettings', changes: {}, checks, baseVersion: null }) as const;
const alive = wholeCheck('liveness', { kind: 'command', command: ['test', '-f', '/tmp/alive'] });
const changed = (check: typeof alive | null): AppEvent => ({
  type: 'HealthCheckChanged',
  v: 1,
  data: { appId: APP, process: 'worker', probe: 'liveness', check },
});
const plain = { settings: DEFAULT_SETTINGS };

describe('the health check of a process type', () => {
  it('is a connection to web, and nothing for others, where none is set', () => {
    expect(checkOf(plain, 'web', 'readiness')).toMatchObject({ kind: 'tcp' });
    expect(checkOf(plain, 'web', 'liveness')).toBeNull();
    expect(checkOf(plain, 'worker', 'readiness')).toBeNull();
  });
  it('asks the health path where there is one, for start-up and readiness', () => {
    const app = { settings: { ...DEFAULT_SETTINGS, healthPath: '/up' } };
    for (const probe of ['startup', 'readiness'] as const) {
      expect(checkOf(app, 'web', probe)).toMatchObject({ kind: 'http', path: '/up' });
    }
    expect(checkOf(app, 'web', 'liveness')).toBeNull();
  });
  it('is the one that was set, or none at all', () => {
    const checks = { web: { readiness: wholeCheck('readiness', { kind: 'none' }) } };
    expect(checkOf({ ...plain, checks }, 'web', 'readiness')).toBeNull();
    expect(checkOf({ ...plain, checks }, 'web', 'startup')).toMatchObject({ kind: 'tcp' });
    // A name that every object has.
    expect(checkOf({ ...plain, checks }, 'constructor', 'readiness')).toBeNull();
  });
  it('finds a hung instance within two seconds by default', () => {
    const { intervalMs, timeoutMs, failures } = wholeCheck('readiness', { kind: 'http' });
    expect(intervalMs + timeoutMs).toBeLessThan(2_000);
    expect(Math.floor(timeoutMs / intervalMs)).toBeGreaterThanOrEqual(failures);
    expect(intervalMs * failures).toBeLessThan(2_000);
  });
  it('has a name without timings, and a text that the CLI takes', () => {
    expect(checkName(wholeCheck('readiness', { kind: 'http', path: '/up' }))).toBe(
      'http 200-399 /up',
    );
    expect(checkName({ ...alive, intervalMs: 999 })).toBe(checkName(alive));
    expect(checkText(alive)).toBe(
      'command ["test","-f","/tmp/alive"] interval=10s timeout=10s failures=3 successes=1',
    );
    expect(checkText(wholeCheck('readiness', { kind: 'http', path: '/up', delayMs: 1500 }))).toBe(
      'http /up status=200-399 interval=500ms timeout=1s failures=2 successes=2 delay=1500ms',
    );
    expect(checkText(undefined)).toBe('default');
  });
});

describe('changing health checks', () => {
  it('is an event for each check that is another one, and starts nothing again', () => {
    const command = { kind: 'command' as const, command: ['test', '-f', '/tmp/alive'] };
    given(created)
      .when(change({ worker: { liveness: command } }))
      .then(changed(alive));
    given(created, changed(alive))
      .when(change({ worker: { liveness: command } }))
      .thenNothing();
    given(created, changed(alive))
      .when(change({ worker: { liveness: null } }))
      .then(changed(null));
    given(created)
      .when(change({ worker: { liveness: null } }))
      .thenNothing();
  });
  it.each([
    [{ worker: { readiness: { kind: 'http', path: '/up' } } }, 'worker has none'],
    [{ web: { readiness: { kind: 'http' } } }, 'without a path'],
    [{ web: { readiness: { kind: 'tcp', path: '/up' } } }, 'a path for a check of kind tcp'],
    [{ web: { liveness: { kind: 'command' } } }, 'without a command'],
    [{ web: { liveness: { kind: 'tcp', command: ['x'] } } }, 'a command for a check of kind tcp'],
  ] satisfies [ChecksRequest, string][])('refuses %j', (checks, wrong) => {
    const decision = app.decide(change(checks), app.evolve(app.initialState, created));
    expect(decision).toMatchObject({
      outcome: 'rejected',
      rejection: { code: 'check-invalid', wrong: expect.stringContaining(wrong) as string },
    });
  });
  it('refuses checks without end', () => {
    const many = Object.fromEntries(
      Array.from({ length: 33 }, (_, i) => [`p${i}`, { liveness: null }] as const),
    );
    given(created).when(change(many)).thenRejected({ code: 'too-many-checks', limit: 32 });
  });
  it('is kept by the app, and forgotten with its default', () => {
    const fold = (...events: AppEvent[]): AppState => events.reduce(app.evolve, app.initialState);
    expect(fold(created, changed(alive))).toMatchObject({
      checks: { worker: { liveness: alive } },
    });
    expect(fold(created, changed(alive), changed(null))).toMatchObject({ checks: {} });
    const two = withCheck(
      withCheck(undefined, { process: 'worker', probe: 'liveness', check: alive }),
      { process: 'web', probe: 'startup', check: alive },
    );
    expect(checksIn(two).map(({ process, probe }) => `${process}.${probe}`)).toEqual([
      'web.startup',
      'worker.liveness',
    ]);
  });
});
