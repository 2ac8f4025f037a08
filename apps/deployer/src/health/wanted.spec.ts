import { describe, expect, it } from 'vitest';
import {
  app as appDecider,
  checkName,
  wholeCheck,
  type ActiveApp,
  type KnownInstance,
} from '@shiplog/domain';
import { container, instance } from '../testing/plan-input.js';
import { startUpOf } from './start-up.js';
import { isArmed, wantedWatches } from './wanted.js';

const PLACE = { instanceHost: '127.0.0.1', domain: 'localhost' };
const shop = (more: Partial<ActiveApp> = {}): ActiveApp => {
  const state = appDecider.evolve(appDecider.initialState, {
    type: 'AppCreated',
    v: 1,
    data: { appId: 'a1', name: 'shop', teamId: 't1' },
  });
  if (state.status !== 'active') throw new Error('not created');
  return { ...state, ...more };
};
const wanted = (app: ActiveApp, one: KnownInstance, more: Parameters<typeof container>[1] = {}) =>
  wantedWatches(app, [one], new Map([['i1', container('i1', more)]]), PLACE);

const alive = wholeCheck('liveness', { kind: 'http', path: '/alive' });

describe('what is watched', () => {
  it('is what is ready or unready and runs, in the run that is recorded', () => {
    const app = shop();
    expect(wanted(app, instance('i1'))).toMatchObject([{ probe: 'readiness' }]);
    expect(wanted(app, instance('i1', { status: 'unready' }))).toHaveLength(1);
    expect(wanted(app, instance('i1', { status: 'starting' }))).toEqual([]);
    expect(wanted(app, instance('i1', { status: 'retired' }))).toEqual([]);
    expect(wanted(app, instance('i1'), { status: 'paused' })).toEqual([]);
    expect(wanted(app, instance('i1'), { startedAt: '2026-01-01T11:59:59Z' })).toEqual([]);
  });
  it('is asked the way that requests take', () => {
    const direct = instance('i1', { reach: 'direct', address: '10.176.1.2' });
    expect(wanted(shop(), direct)[0]?.target.web).toEqual({
      host: '10.176.1.2',
      port: 8080,
      isPublished: false,
      virtualHost: 'shop.localhost',
      protocol: 'http',
    });
    expect(wanted(shop(), instance('i1'))[0]?.target.web).toMatchObject({
      host: '127.0.0.1',
      port: 20_000,
      isPublished: true,
    });
  });
  it('is its life, too, where somebody wants to know', () => {
    const app = shop({ checks: { web: { liveness: alive } } });
    expect(wanted(app, instance('i1')).map(({ probe }) => probe)).toEqual([
      'readiness',
      'liveness',
    ]);
    const dead = instance('i1', { status: 'unready', unready: { cause: 'liveness', got: '' } });
    expect(wanted(app, dead)).toEqual([]);
  });
  it('is nothing where nothing can be asked, but whoever is unready is taken back', () => {
    const worker = instance('i1', { process: 'worker', port: null, containerPort: null });
    expect(wanted(shop(), worker)).toEqual([]);
    expect(wanted(shop(), { ...worker, status: 'unready' })).toMatchObject([{ check: null }]);
  });
});

describe('a check', () => {
  it('can fail an instance that passed it once', () => {
    expect(isArmed(alive, instance('i1'))).toBe(false);
    expect(isArmed(alive, instance('i1', { passed: [checkName(alive)] }))).toBe(true);
    const tcp = wholeCheck('readiness', { kind: 'tcp' });
    expect(isArmed(tcp, instance('i1'))).toBe(true);
  });
});

describe('what an instance has to pass before it is ready', () => {
  const target = { containerId: 'c1', web: null };
  const startUp = (app: ActiveApp, process = 'web') => {
    const { isDefault, questions, passed } = startUpOf(app, process, target, () =>
      Promise.resolve(null),
    );
    return { isDefault, questions: questions.length, passed };
  };
  const ready = wholeCheck('readiness', { kind: 'http', path: '/ready' });

  it('is what everybody is asked where nothing is set', () => {
    expect(startUp(shop())).toEqual({ isDefault: true, questions: 0, passed: [] });
    const { settings } = shop();
    const withPath = shop({ settings: { ...settings, healthPath: '/up' } });
    const name = 'http 200-399 /up';
    expect(startUp(withPath)).toEqual({ isDefault: true, questions: 0, passed: [name, name] });
  });
  it('is its readiness check besides, and one that asks the same only once', () => {
    const name = checkName(ready);
    expect(startUp(shop({ checks: { web: { readiness: ready } } }))).toEqual({
      isDefault: true,
      questions: 1,
      passed: [name],
    });
    const both = { web: { readiness: ready, startup: { ...ready, delayMs: 5000 } } };
    expect(startUp(shop({ checks: both }))).toMatchObject({ isDefault: false, questions: 1 });
  });
  it('is nothing where its start-up check is none', () => {
    const none = wholeCheck('startup', { kind: 'none' });
    const checks = { worker: { startup: none } };
    expect(startUp(shop({ checks }), 'worker')).toEqual({
      isDefault: false,
      questions: 0,
      passed: [],
    });
  });
});
