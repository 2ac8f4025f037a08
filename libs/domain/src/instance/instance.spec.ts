import type { InstanceEvent } from '@shiplog/events';
import { describe, expect, it } from 'vitest';
import { APP, given as givenOf } from '../testing/index.js';
import { instance, type InstanceState } from './index.js';

const given = givenOf(instance);
const ids = { instanceId: 'i1', appId: APP };
const place = {
  ...ids,
  process: 'web',
  version: 1,
  generation: 1,
  nodeId: 'node-1',
  port: 20_000,
  containerPort: 8080,
};
const scheduled = {
  type: 'InstanceScheduled',
  v: 2,
  data: { ...place, protocol: 'http' },
} as const;
const started = (restarts = 0) =>
  ({
    type: 'InstanceStarted',
    v: 1,
    data: { ...ids, containerId: 'c'.repeat(12), restarts },
  }) as const;
const ready = { type: 'InstanceReady', v: 1, data: ids } as const;
const exited: InstanceEvent = {
  type: 'InstanceExited',
  v: 1,
  data: { ...ids, exitCode: 1, oomKilled: false, logLines: ['boom'] },
};
const retired = { type: 'InstanceRetired', v: 1, data: { ...ids, reason: 'superseded' } } as const;
const stopped = {
  type: 'InstanceStopped',
  v: 1,
  data: { ...ids, exitCode: 0, killed: false },
} as const;
const recordStarted = (restarts: number) =>
  ({ type: 'RecordStarted', containerId: 'c'.repeat(12), restarts }) as const;

describe('an instance', () => {
  it('is scheduled before it is started, once', () => {
    given()
      .when({ type: 'ScheduleInstance', ...place })
      .then(scheduled);
    given(scheduled)
      .when({ type: 'ScheduleInstance', ...place })
      .thenNothing();
    given().when(recordStarted(0)).thenRejected({ code: 'instance-not-in-state', status: 'none' });
  });
  it('becomes ready after it started, once', () => {
    given(scheduled).when(recordStarted(0)).then(started());
    given(scheduled, started()).when(recordStarted(0)).thenNothing();
    given(scheduled, started()).when({ type: 'RecordReady' }).then(ready);
    given(scheduled, started(), ready).when({ type: 'RecordReady' }).thenNothing();
    given(scheduled)
      .when({ type: 'RecordReady' })
      .thenRejected({ code: 'instance-not-in-state', status: 'scheduled' });
  });
  it('keeps how it is reached until it is ready again', () => {
    given(scheduled, started())
      .when({ type: 'RecordReady', reach: 'direct' })
      .then({ ...ready, data: { ...ids, reach: 'direct' } });
    const direct = { ...ready, data: { ...ids, reach: 'direct' } } as const;
    const fold = (...events: readonly InstanceEvent[]) =>
      events.reduce<InstanceState>(instance.evolve, instance.initialState);
    expect(fold(scheduled, started(), direct, exited)).toMatchObject({ reach: 'direct' });
    const again = fold(scheduled, started(), direct, exited, started(1), ready);
    expect('reach' in again && again.reach).toBeUndefined();
  });
  it('is unready until it passes again, and says so once', () => {
    const unready = {
      type: 'InstanceUnready',
      v: 1,
      data: { ...ids, cause: 'readiness', check: 'http 200-399 /up', got: 'HTTP 503' },
    } as const;
    const record = {
      type: 'RecordUnready',
      cause: 'readiness',
      check: 'http 200-399 /up',
      got: 'HTTP 503',
    } as const;
    given(scheduled, started(), ready).when(record).then(unready);
    given(scheduled, started(), ready, unready).when(record).thenNothing();
    given(scheduled, started(), ready, unready).when({ type: 'RecordReady' }).then(ready);
    given(scheduled, started())
      .when(record)
      .thenRejected({ code: 'instance-not-in-state', status: 'starting' });
    given(scheduled, started(), ready, retired)
      .when(record)
      .thenRejected({ code: 'instance-not-in-state', status: 'retired' });
    const dead = { ...unready, data: { ...unready.data, cause: 'liveness' } } as const;
    given(scheduled, started(), ready, unready)
      .when({ ...record, cause: 'liveness' })
      .then(dead);
    // It is to be started again: only another run can be ready.
    given(scheduled, started(), ready, dead)
      .when({ type: 'RecordReady' })
      .thenRejected({ code: 'instance-not-in-state', status: 'unready' });
    given(scheduled, started(), ready, dead, exited, started(1))
      .when({ type: 'RecordReady' })
      .then(ready);
  });
  it('remembers which checks it passed, over its runs', () => {
    const passed = (check: string) =>
      ({ type: 'InstanceCheckPassed', v: 1, data: { ...ids, check } }) as const;
    given(scheduled, started())
      .when({ type: 'RecordReady', passed: ['http /up', 'http /up'] })
      .then(ready, passed('http /up'));
    given(scheduled, started(), ready, passed('http /up'), exited, started(1))
      .when({ type: 'RecordReady', passed: ['http /up'] })
      .then(ready);
    given(scheduled, started(), ready)
      .when({ type: 'RecordCheckPassed', check: 'tcp' })
      .then(passed('tcp'));
    given(scheduled, started(), ready, passed('tcp'))
      .when({ type: 'RecordCheckPassed', check: 'tcp' })
      .thenNothing();
  });
  it('is recorded when it exits and when the engine starts it again', () => {
    const exit = {
      type: 'RecordExited',
      exitCode: 1,
      oomKilled: false,
      logLines: ['boom'],
    } as const;
    given(scheduled, started(), ready).when(exit).then(exited);
    given(scheduled, started(), ready, exited).when(exit).thenNothing();
    given(scheduled, started(), ready, exited).when(recordStarted(1)).then(started(1));
  });
  it('is stopped only after it was retired', () => {
    const stop = { type: 'RecordStopped', exitCode: 0, killed: false } as const;
    given(scheduled, started(), ready)
      .when(stop)
      .thenRejected({ code: 'instance-not-in-state', status: 'ready' });
    given(scheduled, started(), ready)
      .when({ type: 'RetireInstance', reason: 'superseded' })
      .then(retired);
    given(scheduled, started(), ready, retired)
      .when({ type: 'RetireInstance', reason: 'superseded' })
      .thenNothing();
    given(scheduled, started(), ready, retired).when(stop).then(stopped);
    given(scheduled, started(), ready, retired, stopped)
      .when(stop)
      .thenRejected({ code: 'instance-not-in-state', status: 'stopped' });
  });
  it('stays retired whatever its container does then', () => {
    const history: InstanceEvent[] = [
      scheduled,
      started(),
      ready,
      retired,
      exited,
      started(1),
      ready,
    ];
    const state = history.reduce<InstanceState>(instance.evolve, instance.initialState);
    expect(state.status).toBe('retired');
  });
});
