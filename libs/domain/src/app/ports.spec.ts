import type { AppEvent } from '@shiplog/events';
import { describe, expect, it } from 'vitest';
import { APP, created, given as givenOf, released } from '../testing/index.js';
import { port as reservation } from '../identity/port.js';
import { checkOf } from './checks.js';
import { app } from './index.js';

const given = givenOf(app);
const reserved = givenOf(reservation);

const added = (port: number, process = 'web', containerPort: number | null = null): AppEvent => ({
  type: 'PortAdded',
  v: 1,
  data: { appId: APP, port, process, containerPort },
});
const removed = (port: number): AppEvent => ({
  type: 'PortRemoved',
  v: 1,
  data: { appId: APP, port },
});
const policy = (traffic: object): AppEvent => ({
  type: 'TrafficPolicyChanged',
  v: 1,
  data: { appId: APP, policy: traffic },
});
const scaled: AppEvent = {
  type: 'FormationScaled',
  v: 1,
  data: { appId: APP, formation: { web: 1, broker: 1 } },
};
const add = {
  type: 'AddPort',
  port: 32_100,
  process: 'web',
  containerPort: null,
  baseVersion: 1,
} as const;
const addBroker = { ...add, process: 'broker', containerPort: 1883 } as const;

describe('adding a port', () => {
  it('leads to web without replacing anything', () => {
    given(created, released(1), scaled).when(add).then(added(32_100));
  });
  it('replaces instances of a process type that had none, and only then', () => {
    const restarted = {
      type: 'AppRestarted',
      v: 1,
      data: { appId: APP, generation: 2, version: 1 },
    } as const;
    given(created, released(1), scaled)
      .when(addBroker)
      .then(added(32_100, 'broker', 1883), restarted);
    given(created, released(1), scaled, added(32_101, 'broker', 1883))
      .when(addBroker)
      .then(added(32_100, 'broker', 1883));
  });
  it('is nothing the second time, and refused where it leads elsewhere', () => {
    given(created, added(32_100)).when(add).thenNothing();
    given(created, added(32_100))
      .when(addBroker)
      .thenRejected({ code: 'port-in-use', port: 32_100, process: 'web', containerPort: null });
  });
  it('needs to know where a process type other than web listens', () => {
    given(created)
      .when({ ...addBroker, containerPort: null })
      .thenRejected({ code: 'container-port-missing', process: 'broker' });
  });
  it('is refused for a process type that the app does not have', () => {
    given(created, released(1), scaled)
      .when({ ...addBroker, process: 'brokr' })
      .thenRejected({
        code: 'process-type-unknown',
        processType: 'brokr',
        known: ['web', 'broker'],
      });
  });
  it('is refused beside a policy that says who may come, or how many', () => {
    const rules = { deny: ['10.0.0.0/8'] };
    given(created, policy(rules))
      .when(add)
      .thenRejected({ code: 'policy-beside-port', parts: ['deny'], ports: [32_100] });
    given(created, policy({ bodyBytes: 1000 }))
      .when(add)
      .then(added(32_100));
  });
  it('is no way around a password, which other process types do not have', () => {
    const user = { ann: 'v1.encrypted' };
    const closed: AppEvent = {
      type: 'BasicAuthChanged',
      v: 1,
      data: { appId: APP, set: user, unset: [], passesHeader: null },
    };
    const refusal = { code: 'policy-beside-port', parts: ['basic-auth'], ports: [32_100] } as const;
    given(created, closed).when(add).thenRejected(refusal);
    given(created, closed)
      .when(addBroker)
      .then(added(32_100, 'broker', 1883));
    given(created, added(32_100))
      .when({ type: 'ChangeBasicAuth', set: user, unset: [], opens: false })
      .thenRejected(refusal);
  });
  it('ends at so many', () => {
    const twenty = Array.from({ length: 20 }, (_, i) => added(32_200 + i));
    given(created, ...twenty)
      .when(add)
      .thenRejected({ code: 'too-many-ports', limit: 20 });
  });
});

describe('an app with a port', () => {
  it('gets no policy that would not count there, and any other', () => {
    const change = (set: object) => ({ type: 'ChangeTrafficPolicy', set, unset: [] }) as const;
    const concurrency = { perInstance: 5, queue: 0 };
    given(created, added(32_100))
      .when(change({ concurrency }))
      .thenRejected({ code: 'policy-beside-port', parts: ['concurrency'], ports: [32_100] });
    given(created, added(32_100))
      .when(change({ sticky: true }))
      .then(policy({ sticky: true }));
  });
  it('loses it, and no other one', () => {
    given(created, added(32_100), added(32_101))
      .when({ type: 'RemovePort', port: 32_100 })
      .then(removed(32_100));
    given(created, added(32_100), added(32_101), removed(32_100))
      .when({ type: 'RemovePort', port: 32_100 })
      .thenRejected({ code: 'port-not-on-app', port: 32_100, known: [32_101] });
  });
  it('has its process asked by a connection whether it is ready', () => {
    const settings = { healthPath: '/health' };
    const ports = { '32100': { process: 'broker', containerPort: 1883 } };
    expect(checkOf({ settings }, 'broker', 'readiness')).toBeNull();
    expect(checkOf({ settings, ports }, 'broker', 'readiness')).toMatchObject({ kind: 'tcp' });
    expect(checkOf({ settings, ports }, 'broker', 'liveness')).toBeNull();
  });
});

describe('a port of the routers', () => {
  const data = { port: 32_100, appId: APP, teamId: 'team-1' };
  const reserve = { type: 'ReservePort', ...data } as const;
  const event = { type: 'PortReserved', v: 1, data } as const;
  it('is one app’s at a time', () => {
    reserved().when(reserve).then(event);
    reserved(event).when(reserve).thenNothing();
    reserved(event)
      .when({ ...reserve, appId: 'a2' })
      .thenRejected({ code: 'port-taken', port: 32_100 });
  });
  it('is given back by its app only', () => {
    reserved(event).when({ type: 'ReleasePort', appId: 'a2' }).thenNothing();
    reserved(event)
      .when({ type: 'ReleasePort', appId: APP })
      .then({ type: 'PortReleased', v: 1, data: { port: 32_100, appId: APP } });
  });
});
