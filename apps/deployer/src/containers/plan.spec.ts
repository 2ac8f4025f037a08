import { describe, expect, it } from 'vitest';
import {
  NOW_MS,
  app,
  container,
  fresh,
  input,
  instance,
  scheduled,
  target,
  type Given,
} from '../testing/plan-input.js';
import { DEFAULT_SETTINGS } from '@shiplog/domain';
import type { Action } from './actions.js';
import { plan } from './plan.js';

/** The plan in few words, so that a table can be read. */
const inWords = (action: Action): string => {
  switch (action.type) {
    case 'schedule':
      return `schedule ${action.count} ${action.process} g${action.generation}`;
    case 'retire':
      return `retire ${action.instanceId}: ${action.reason}`;
    case 'fail-rollout':
      return `fail: ${action.failure.kind}`;
    case 'cancel-rollout':
      return `cancel ${action.rolloutId}: ${action.cause}`;
    case 'start-rollout':
    case 'complete-rollout':
      return action.type;
    case 'step-rollout':
      return `step ${action.step}: ${action.percent}%`;
    default:
      return `${action.type} ${'runId' in action ? action.runId : action.instanceId}`;
  }
};
const words = (given: Given): string[] => plan(input(given)).actions.map(inWords);

const old = [instance('o1'), instance('o2')];
const starting = { status: 'starting', wasReady: false } as const;
const gone = instance('o1', { status: 'retired' });
const replacing = (...instances: readonly ReturnType<typeof instance>[]) =>
  app({ target: target(), instances });

const once = { ...DEFAULT_SETTINGS, stopFirst: ['worker'] };
const worker = (id: string, more: Parameters<typeof instance>[1] = {}) =>
  instance(id, { process: 'worker', port: null, containerPort: null, ...more });
const withWorker = { web: 1, worker: 1 };
const stopFirst = (instances: readonly ReturnType<typeof instance>[], more: object = {}) =>
  app({
    settings: once,
    live: { generation: 2, version: 2, wanted: withWorker },
    target: { ...target(), wanted: withWorker },
    instances,
    ...more,
  });
const newWeb = fresh('n1');

describe('a plan for a process type of which no two may run at the same time', () => {
  const table: [string, Given, string[]][] = [
    [
      'makes the others first, and touches the old one no sooner than they serve',
      { app: stopFirst([instance('o1'), worker('w1')]) },
      ['schedule 1 web g3'],
    ],
    [
      'stops the old one when the others serve',
      { app: stopFirst([newWeb, worker('w1')]) },
      ['retire w1: superseded'],
    ],
    [
      'makes no new one while the old one stops',
      {
        app: stopFirst([newWeb, worker('w1', { status: 'retired' })]),
        containers: [container('n1'), container('w1')],
      },
      ['stop w1'],
    ],
    [
      'makes the new one when the old one is no more',
      { app: stopFirst([newWeb]) },
      ['schedule 1 worker g3'],
    ],
    [
      'stops the new one first as well, when its rollout failed',
      {
        app: stopFirst([instance('o1'), worker('w2', { generation: 3, version: 3 })], {
          target: null,
          endedGenerations: [3],
        }),
      },
      ['retire w2: rollout-failed'],
    ],
    [
      'keeps one of two that run since before it was set',
      { app: stopFirst([instance('o1'), worker('w1'), worker('w2')], { target: null }) },
      ['retire w2: scaled-down'],
    ],
    [
      'waits for the rollout to begin',
      {
        app: stopFirst([newWeb, worker('w1')], {
          target: { ...target({ deadlineMs: null }), wanted: withWorker },
        }),
      },
      ['start-rollout'],
    ],
  ];
  it.each(table)('%s', (_name, given, expected) => {
    expect(words(given)).toEqual(expected);
  });
});

describe('a plan for one app', () => {
  const table: [string, Given, string[]][] = [
    ['does nothing when all is as wanted', { app: app({ instances: old }) }, []],
    [
      'schedules what is missing',
      { app: app({ instances: [old[0] ?? gone] }) },
      ['schedule 1 web g2'],
    ],
    [
      'waits with scheduling when the last ones were lost at once',
      { app: app(), scheduleNotBeforeMs: NOW_MS + 1 },
      [],
    ],
    [
      'retires the newest of too many',
      { app: app({ instances: [...old, instance('o3')] }) },
      ['retire o3: scaled-down'],
    ],
    [
      'retires what does not serve before what does',
      { app: app({ instances: [instance('o1', starting), instance('o2'), instance('o3')] }) },
      ['retire o1: scaled-down'],
    ],
    [
      'starts a rollout and its instances together',
      { app: app({ target: target({ deadlineMs: null }), instances: old }) },
      ['start-rollout', 'schedule 2 web g3'],
    ],
    [
      'keeps the old ones while the new ones are not ready',
      { app: replacing(...old, fresh('n1', starting), fresh('n2', starting)) },
      ['probe n1', 'probe n2'],
    ],
    [
      'keeps the old ones while no router confirmed the new ones',
      {
        app: replacing(...old, fresh('n1'), fresh('n2')),
        routes: { o1: 'routed', o2: 'routed' },
      },
      [],
    ],
    [
      'keeps the old ones while no router is known',
      { app: replacing(...old, fresh('n1'), fresh('n2')), routes: null },
      [],
    ],
    [
      'lets one old one go for one new one that is routed',
      { app: replacing(...old, fresh('n1'), fresh('n2', starting)) },
      ['retire o1: superseded', 'probe n2'],
    ],
    [
      'completes when everything old is out of routing',
      {
        app: replacing(gone, fresh('n1'), fresh('n2')),
        routes: { o1: 'unrouted', n1: 'routed', n2: 'routed' },
      },
      ['complete-rollout'],
    ],
    [
      'does not complete while something old is still routed',
      {
        app: replacing(gone, fresh('n1'), fresh('n2')),
        routes: { o1: 'routed', n1: 'routed', n2: 'routed' },
      },
      [],
    ],
    ...[undefined, 'returning' as const].map((o1): [string, Given, string[]] => [
      `does not complete while it is not certain that what was ready is out of routing: ${o1}`,
      {
        app: replacing(gone, fresh('n1'), fresh('n2')),
        routes: { n1: 'routed', n2: 'routed', ...(o1 && { o1 }) },
      },
      [],
    ]),
    [
      'fails a rollout at the third crash and leaves the old ones alone',
      {
        app: replacing(...old, fresh('n1', { status: 'exited', restarts: 2, wasReady: false })),
        containers: [
          container('o1'),
          container('o2'),
          container('n1', { status: 'exited', finishedAt: '2026-01-01T11:59:59Z' }),
        ],
      },
      ['fail: crashed', 'start n1'],
    ],
    [
      'fails a rollout when an instance is not ready in time',
      {
        app: {
          ...replacing(...old, fresh('n1', starting)),
          settings: { ...app().settings, startTimeoutSeconds: 5 },
        },
      },
      ['fail: not-ready', 'probe n1'],
    ],
    [
      'fails a rollout at its deadline',
      { app: app({ target: target({ deadlineMs: NOW_MS }), instances: old }) },
      ['fail: deadline'],
    ],
    [
      'fails a rollout that the engine refuses for good',
      {
        app: replacing(...old, fresh('n1', scheduled)),
        notes: { n1: { isHopeless: true, notBeforeMs: NOW_MS + 1000 } },
      },
      ['fail: not-created'],
    ],
    [
      'fails a rollout whose image is gone for good',
      { app: app({ target: target({ lostImage: 'gone' }), instances: old }) },
      ['fail: image-lost'],
    ],
    [
      'cancels when asked, and retires nothing in the same step',
      { app: app({ target: target({ isCancelAsked: true }), instances: [...old, fresh('n1')] }) },
      ['cancel a1-g3: asked'],
    ],
    [
      'cancels a rollout that is no longer wanted',
      { app: app({ strayRollouts: [{ rolloutId: 'a1-g1', hasSwitched: false }], instances: old }) },
      ['cancel a1-g1: superseded'],
    ],
    [
      'cancels a rollout whose app was stopped under way',
      { app: { ...replacing(...old, fresh('n1')), status: 'stopped' } },
      ['cancel a1-g3: app-stopped'],
    ],
    [
      'takes the new ones back after a failure once the old ones serve',
      {
        app: app({
          endedGenerations: [3],
          instances: [...old, fresh('n1'), fresh('n2', starting)],
        }),
      },
      ['retire n1: rollout-failed', 'retire n2: rollout-failed'],
    ],
    [
      'brings the old ones back before it takes the failed ones away',
      { app: app({ endedGenerations: [3], instances: [fresh('n1'), fresh('n2')] }) },
      ['schedule 2 web g2'],
    ],
    [
      'retires everything of a stopped app',
      { app: app({ status: 'stopped', instances: old }) },
      ['retire o1: stopped', 'retire o2: stopped'],
    ],
    [
      'retires everything of a destroyed app',
      { app: app({ status: 'destroyed', live: null, instances: old }) },
      ['retire o1: destroyed', 'retire o2: destroyed'],
    ],
    [
      'touches nothing of an app that the log does not tell of',
      { app: app({ status: 'unknown', live: null, instances: old }) },
      [],
    ],
  ];
  it.each(table)('%s', (_, given, expected) => {
    expect(words(given)).toEqual(expected);
  });
});

describe('the next step of an instance', () => {
  const one = { generation: 2, version: 2, wanted: { web: 1 } };
  const of = (i: ReturnType<typeof instance>, more: Partial<Given> = {}): string[] =>
    words({ app: app({ live: one, instances: [i] }), ...more });
  const ended = { status: 'exited', finishedAt: '2026-01-01T11:59:59.500Z' } as const;
  const exited = instance('i1', { status: 'exited' });

  it('creates what was scheduled', () => {
    expect(of(instance('i1', scheduled))).toEqual(['create i1']);
  });
  it('finds its own container after a crash between create and record', () => {
    const created = container('i1', { status: 'created', startedAt: null });
    expect(of(instance('i1', scheduled), { containers: [created] })).toEqual(['start i1']);
    expect(of(instance('i1', scheduled), { containers: [container('i1')] })).toEqual([
      'record-started i1',
    ]);
  });
  it('leaves an instance alone while a step of it is under way', () => {
    expect(of(instance('i1', scheduled), { busy: ['i1'] })).toEqual([]);
  });
  it('records an end that nobody saw, when the engine started it again', () => {
    const again = { containers: [container('i1', { startedAt: '2026-01-01T11:59:58Z' })] };
    expect(of(instance('i1'), again)).toEqual(['record-exited i1']);
    expect(of(exited, again)).toEqual(['record-started i1']);
  });
  it('counts a run that began and ended unseen', () => {
    const again = container('i1', { ...ended, startedAt: '2026-01-01T11:59:59Z' });
    expect(of(exited, { containers: [again] })).toEqual(['record-started i1']);
  });
  it('starts what ended, later and later', () => {
    const containers = [container('i1', ended)];
    expect(of(exited, { containers })).toEqual(['start i1']);
    expect(of(exited, { containers, notes: { i1: { shortRuns: 2 } } })).toEqual([]);
  });
  it('does not start at once again what the engine refused to start', () => {
    const notes = { i1: { notBeforeMs: NOW_MS + 2000 } };
    const given = { app: app({ live: one, instances: [exited] }), notes };
    const refused = { ...given, containers: [container('i1', ended)] };
    expect(words(refused)).toEqual([]);
    expect(plan(input(refused)).nextAtMs).toBe(NOW_MS + 2000);
  });
  it('leaves the engine its own restart', () => {
    expect(of(exited, { containers: [container('i1', { status: 'restarting' })] })).toEqual([]);
  });
  it('replaces an instance whose container was removed', () => {
    expect(of(instance('i1'), { containers: [] })).toEqual(['retire i1: lost']);
    const dead = { containers: [container('i1', { status: 'dead' })] };
    expect(of(instance('i1'), dead)).toEqual(['retire i1: lost']);
    expect(of(exited, dead)).toEqual(['retire i1: lost']);
  });
  it('lets the engine keep a ready instance alive', () => {
    expect(of(instance('i1'), { containers: [container('i1', { restartPolicy: 'no' })] })).toEqual([
      'keep-running i1',
    ]);
  });
});

describe('a retired instance', () => {
  const stopped = app({ status: 'stopped', live: null, instances: [gone] });

  it('runs on until every router let go of it', () => {
    expect(words({ app: stopped, routes: { o1: 'routed' } })).toEqual([]);
    expect(words({ app: stopped, routes: { o1: 'unrouted' } })).toEqual([]);
    expect(words({ app: stopped, routes: { o1: 'drained' } })).toEqual(['stop o1']);
  });
  it('waits for the drain time when no router ever named it', () => {
    const given = { app: stopped, routes: {}, notes: { o1: { retiredSinceMs: NOW_MS - 1000 } } };
    expect(words(given)).toEqual([]);
    expect(plan(input(given)).nextAtMs).toBe(NOW_MS + 34_000);
    const later = { ...given, notes: { o1: { retiredSinceMs: NOW_MS - 60_000 } } };
    expect(words(later)).toEqual(['stop o1']);
  });
  it('is recorded as stopped when it does not run any more', () => {
    const containers = [container('o1', { status: 'exited', exitCode: 0 })];
    expect(words({ app: stopped, routes: { o1: 'drained' }, containers })).toEqual([
      'record-stopped o1',
    ]);
  });
  it('keeps its port until routers let go, even when its container is gone', () => {
    expect(words({ app: stopped, routes: { o1: 'routed' }, containers: [] })).toEqual([]);
    expect(words({ app: stopped, routes: { o1: 'drained' }, containers: [] })).toEqual([
      'record-stopped o1',
    ]);
  });
});

describe('the time of the next look', () => {
  it('lies ahead: what is due already waits for something else than time', () => {
    const late = container('o1', { startedAt: new Date(NOW_MS - 3_600_000).toISOString() });
    const given = {
      app: replacing(instance('o1', starting), fresh('n1', scheduled)),
      containers: [late],
      busy: ['n1'],
    };
    expect(plan(input(given)).nextAtMs).toBe(NOW_MS + 60_000);
  });
});
