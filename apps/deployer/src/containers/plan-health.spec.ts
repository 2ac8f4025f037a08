import { describe, expect, it } from 'vitest';
import type { KnownInstance } from '@shiplog/domain';
import { NOW_MS, app, container, input, instance, type Given } from '../testing/plan-input.js';
import { planHealth } from './plan-health.js';

const STARTED_AT = '2026-01-01T11:59:50.000000000Z';
const notLiving = { startedAt: STARTED_AT, check: 'http 200-399 /alive', got: 'HTTP 500' };
const ids = ['i1', 'i2', 'i3', 'i4', 'i5', 'i6', 'i7', 'i8'];
const dead: Partial<KnownInstance> = {
  status: 'unready',
  unready: { cause: 'liveness', got: 'HTTP 500' },
};

const planned = (given: Given) => planHealth(input(given));
const namesOf = (given: Given) =>
  planned(given).actions.map(
    (action) => `${action.type} ${'instanceId' in action ? action.instanceId : ''}`,
  );

describe('an instance that does not live', () => {
  const allDead = Object.fromEntries(ids.map((id) => [id, { notLiving }]));

  it('is started again, a quarter of them at once', () => {
    const instances = ids.map((id) => instance(id));
    expect(namesOf({ app: app({ instances }), notes: allDead })).toEqual([
      'record-unready i1',
      'record-unready i2',
    ]);
  });
  it('is started again when it is the only one', () => {
    const instances = [instance('i1')];
    expect(planned({ app: app({ instances }), notes: allDead }).actions).toEqual([
      {
        type: 'record-unready',
        appId: 'a1',
        instanceId: 'i1',
        cause: 'liveness',
        check: 'http 200-399 /alive',
        got: 'HTTP 500',
      },
    ]);
  });
  it('waits for those that are on their way back', () => {
    const starting = instance('i1', { status: 'starting' });
    const instances = [starting, instance('i2'), instance('i3'), instance('i4')];
    const notes = { ...allDead, i1: { revivedAtMs: NOW_MS - 10_000 } };
    expect(namesOf({ app: app({ instances }), notes })).toEqual([]);
    // One that does not come back at all does not hold up the others for ever.
    const long = { ...allDead, i1: { revivedAtMs: NOW_MS - 61_000 } };
    expect(namesOf({ app: app({ instances }), notes: long })).toEqual(['record-unready i2']);
  });
  it('waits longer each time', () => {
    const notes = { i1: { notLiving, reviveNotBeforeMs: NOW_MS + 5_000 } };
    expect(planned({ app: app({ instances: [instance('i1')] }), notes })).toEqual({
      actions: [],
      nextAtMs: NOW_MS + 5_000,
    });
  });
  it('is left alone when that was another run', () => {
    const notes = { i1: { notLiving: { ...notLiving, startedAt: '2026-01-01T10:00:00Z' } } };
    expect(namesOf({ app: app({ instances: [instance('i1')] }), notes })).toEqual([]);
  });
  it('ends when no router sends it anything, or none confirmed that in time', () => {
    const instances = [instance('i1', dead)];
    const notes = { i1: { revivedAtMs: NOW_MS - 1_000 } };
    const given = { app: app({ instances }), notes };
    expect(planned({ ...given, routes: { i1: 'routed' } })).toEqual({
      actions: [],
      nextAtMs: NOW_MS + 4_000,
    });
    expect(planned({ ...given, routes: { i1: 'unrouted' } }).actions).toEqual([
      {
        type: 'end-instance',
        appId: 'a1',
        instanceId: 'i1',
        containerId: 'c-i1',
        graceSeconds: 10,
      },
    ]);
    // Another process may have decided it: nothing is known of when.
    expect(namesOf({ app: app({ instances }), routes: { i1: 'routed' } })).toEqual([
      'end-instance i1',
    ]);
  });
});

describe('a container that somebody froze', () => {
  const paused = [container('i1', { status: 'paused' })];
  it('is out of routing, once', () => {
    expect(namesOf({ app: app({ instances: [instance('i1')] }), containers: paused })).toEqual([
      'record-unready i1',
    ]);
    const known = instance('i1', { status: 'unready', unready: { cause: 'paused', got: '' } });
    expect(namesOf({ app: app({ instances: [known] }), containers: paused })).toEqual([]);
  });
  it('is nothing new before it was ready', () => {
    const instances = [instance('i1', { status: 'starting' })];
    expect(namesOf({ app: app({ instances }), containers: paused })).toEqual([]);
  });
});
