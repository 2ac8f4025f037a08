import { describe, expect, it } from 'vitest';
import type { RouteState } from '@shiplog/domain';
import type { DesiredRoutes } from './desired-routes.js';
import { routeFacts, type Recorded } from './route-facts.js';
import type { ActualRoutes } from './router.port.js';

const endpoint = { instanceId: 'i1', appId: 'a1', host: '127.0.0.1', port: 1, weight: 1 };
const nothing = { routed: [], unrouted: [], drained: [], weights: {} };

const desired = (want: 'serving' | 'suspended' | 'draining'): DesiredRoutes => ({
  hosts: new Map([['a1.test', 'a1']]),
  uses: new Map(),
  matches: new Map(),
  policies: new Map(),
  notices: new Map(),
  endpoints: new Map([['i1', { ...endpoint, want, drainMs: 0 }]]),
  knownApps: new Set(['a1']),
});
type State = 'serving' | 'leaving' | 'draining' | 'out';
const actual = (state: State | undefined, host: string | undefined = 'a1'): ActualRoutes => ({
  matches: new Map(),
  policies: new Map(),
  notices: new Map(),
  hosts: new Map(host === undefined ? [] : [['a1.test', host]]),
  uses: new Map(),
  endpoints: new Map(state === undefined ? [] : [['i1', { ...endpoint, state, sessions: 0 }]]),
  emptyPools: new Map(),
});

const recorded = (state?: RouteState, weight?: number): Recorded => ({
  routes: new Map(state === undefined ? [] : [['i1', state]]),
  weights: new Map(weight === undefined ? [] : [['i1', weight]]),
});

describe('facts of an instance with more than one place', () => {
  const places = (want: 'serving' | 'draining'): DesiredRoutes => ({
    ...desired(want),
    endpoints: new Map(
      ['i1', 'i1@32100'].map((id) => [id, { ...endpoint, instanceId: id, want, drainMs: 0 }]),
    ),
  });
  const seenAt = (of: Readonly<Record<string, State>>): ActualRoutes => ({
    ...actual(undefined),
    endpoints: new Map(
      Object.entries(of).map(([instanceId, state]) => [
        instanceId,
        { ...endpoint, instanceId, state, sessions: 0 },
      ]),
    ),
  });
  it.each([
    ['served at one of them', 'serving', { i1: 'serving' }, undefined, {}],
    ['at both', 'serving', { i1: 'serving', 'i1@32100': 'serving' }, undefined, { routed: ['i1'] }],
    ['out of one', 'draining', { i1: 'draining', 'i1@32100': 'serving' }, 'routed', {}],
    [
      'out of both',
      'draining',
      { i1: 'out', 'i1@32100': 'draining' },
      'routed',
      { unrouted: ['i1'] },
    ],
    ['gone from one', 'draining', { 'i1@32100': 'draining' }, 'unrouted', {}],
    ['still where it should not be any more', 'draining', { 'i1@9': 'draining' }, 'unrouted', {}],
    ['gone from both', 'draining', {}, 'unrouted', { drained: ['i1'] }],
  ] as const)('%s', (_, want, of, before, facts) => {
    const now = { ...nothing, ...facts };
    expect(routeFacts(places(want), seenAt(of), recorded(before))).toEqual(now);
  });
  it('counts one without a place as routed, and as drained', () => {
    const unplaced = (want: 'serving' | 'draining') => ({
      ...desired(want),
      endpoints: new Map(),
      unplaced: new Map([['i1', { appId: 'a1', want }]]),
    });
    const none = actual(undefined);
    expect(routeFacts(unplaced('serving'), none, recorded()).routed).toEqual(['i1']);
    const gone = routeFacts(unplaced('draining'), none, recorded('routed'));
    expect([gone.unrouted, gone.drained]).toEqual([['i1'], ['i1']]);
  });
});

describe('facts', () => {
  it.each([
    ['served and reachable', 'serving', 'serving', 'a1', { routed: ['i1'] }],
    ['served, its host still leads elsewhere', 'serving', 'serving', 'a2', {}],
    ['not served yet', 'serving', undefined, 'a1', {}],
    ['retired, still served', 'draining', 'serving', 'a1', {}],
    ['retired, leaving', 'draining', 'leaving', 'a1', {}],
    ['retired, draining', 'draining', 'draining', 'a1', { unrouted: ['i1'] }],
    ['retired and gone', 'draining', undefined, 'a1', { unrouted: ['i1'], drained: ['i1'] }],
    ['exited, never routed', 'suspended', 'out', 'a1', {}],
  ] as const)('of an instance that is %s', (_, want, state, host, expected) => {
    expect(routeFacts(desired(want), actual(state, host), recorded())).toEqual({
      ...nothing,
      ...expected,
    });
  });

  it('are not told twice', () => {
    const serving = actual('serving');
    expect(routeFacts(desired('serving'), serving, recorded('routed'))).toEqual(nothing);
    const gone = actual(undefined);
    expect(routeFacts(desired('draining'), gone, recorded('drained'))).toEqual(nothing);
    expect(routeFacts(desired('draining'), gone, recorded('unrouted'))).toEqual({
      ...nothing,
      drained: ['i1'],
    });
  });

  it('tell what is done with an instance that was let go of and is ready again', () => {
    const facts = (...[want, state]: [Parameters<typeof desired>[0], State | undefined]) =>
      routeFacts(desired(want), actual(state), recorded('returning'));
    expect(facts('serving', 'serving')).toEqual({ ...nothing, routed: ['i1'] });
    expect(facts('suspended', 'out')).toEqual({ ...nothing, unrouted: ['i1'] });
    expect(facts('draining', undefined)).toMatchObject({ drained: ['i1'] });
    expect(facts('serving', undefined)).toEqual(nothing);
  });

  it('tell its part of the requests as it was read back, with its coming into routing', () => {
    const none: ActualRoutes = {
      ...actual('serving'),
      endpoints: new Map([['i1', { ...endpoint, weight: 0, state: 'serving', sessions: 0 }]]),
    };
    const facts = routeFacts(desired('serving'), none, recorded());
    expect(facts).toMatchObject({ routed: ['i1'], weights: { i1: 0 } });
    expect(routeFacts(desired('serving'), none, recorded('routed', 0))).toEqual(nothing);
    const even = routeFacts(desired('serving'), actual('serving'), recorded('routed', 0));
    expect(even).toEqual({ ...nothing, weights: { i1: 1 } });
  });

  it('tell that an instance which exited is out, and in again', () => {
    const out = actual('out');
    expect(routeFacts(desired('suspended'), out, recorded('routed'))).toMatchObject({
      unrouted: ['i1'],
    });
    expect(routeFacts(desired('serving'), actual('serving'), recorded('unrouted'))).toMatchObject({
      routed: ['i1'],
    });
  });
});
