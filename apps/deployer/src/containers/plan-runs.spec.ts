import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, type KnownCronJob, type KnownRun } from '@shiplog/domain';
import {
  NOW_MS,
  app,
  container,
  fresh,
  input,
  instance,
  target,
  type Given,
} from '../testing/plan-input.js';
import type { Action } from './actions.js';
import type { CronDue } from './desired.js';
import { plan } from './plan.js';

const inWords = (action: Action): string => {
  switch (action.type) {
    case 'skip-run':
      return `skip ${action.runId}: ${action.cause}`;
    case 'stop-run':
      return `stop-run ${action.runId}: ${action.cause}`;
    case 'end-run':
      return `end ${action.runId}: ${action.outcome}`;
    case 'fail-rollout':
      return `fail: ${action.failure.kind}`;
    case 'schedule':
      return `schedule ${action.count} ${action.process} g${action.generation}`;
    default:
      return 'runId' in action
        ? `${action.type} ${action.runId}`
        : `${action.type} ${'instanceId' in action ? action.instanceId : ''}`.trim();
  }
};
const words = (given: Given): string[] => plan(input(given)).actions.map(inWords);

const STARTED_AT = '2026-01-01T11:59:50.000Z';
const run = (runId: string, more: Partial<KnownRun> = {}): KnownRun => ({
  status: 'started',
  runId,
  appId: 'a1',
  kind: 'cron',
  version: 2,
  nodeId: 'n1',
  command: ['clean'],
  rolloutId: null,
  job: 'clean',
  scheduledFor: '2026-01-01T11:59:00.000Z',
  missed: 0,
  timeoutSeconds: null,
  detached: true,
  containerId: `c-${runId}`,
  startedAt: STARTED_AT,
  stopCause: null,
  end: null,
  ...more,
});
const unstarted = { status: 'scheduled', containerId: null, startedAt: null } as const;
const ofRelease = (more: Partial<KnownRun> = {}): KnownRun =>
  run('release-a1-g3', {
    kind: 'release',
    rolloutId: 'a1-g3',
    job: null,
    scheduledFor: null,
    ...more,
  });
const ended = (outcome: 'succeeded' | 'failed') =>
  ({
    status: 'ended',
    end: {
      outcome,
      exitCode: outcome === 'succeeded' ? 0 : 1,
      oomKilled: false,
      cause: null,
      detail: null,
    },
  }) as const;

const old = [instance('o1'), instance('o2')];
const migrating = target({ releaseCommand: ['migrate'] });
const on = (more: Parameters<typeof app>[0]) => app({ target: migrating, instances: old, ...more });

describe('the release command of a deploy', () => {
  const table: [string, Given, string[]][] = [
    [
      'waits for the rollout to begin',
      { app: on({ target: target({ releaseCommand: ['migrate'], deadlineMs: null }) }) },
      ['start-rollout'],
    ],
    ['comes before every instance of the release', { app: on({}) }, ['schedule-run release-a1-g3']],
    [
      'is created and nothing else happens meanwhile',
      { app: on({ runs: [ofRelease(unstarted)] }) },
      ['create-run release-a1-g3'],
    ],
    [
      'runs',
      {
        app: on({ runs: [ofRelease()] }),
        containers: [container('o1'), container('o2'), container('release-a1-g3')],
      },
      [],
    ],
    [
      'lets the release begin once it succeeded',
      { app: on({ runs: [ofRelease(ended('succeeded'))] }) },
      ['schedule 2 web g3'],
    ],
    [
      'fails the deploy where it fails; nothing of the release was started',
      { app: on({ runs: [ofRelease(ended('failed'))] }) },
      ['fail: release-command'],
    ],
    [
      'keeps what serves as it should be meanwhile',
      { app: on({ instances: [old[0] ?? instance('o1')], runs: [ofRelease(unstarted)] }) },
      ['schedule 1 web g2', 'create-run release-a1-g3'],
    ],
    [
      'holds up a release of a stopped app as well',
      {
        app: on({
          status: 'stopped',
          instances: [],
          target: { ...migrating, wanted: { web: 0 } },
          runs: [ofRelease(unstarted)],
        }),
      },
      ['create-run release-a1-g3'],
    ],
    [
      'is not started beside that of another release',
      {
        app: on({ runs: [ofRelease({ runId: 'release-a1-g2', rolloutId: 'a1-g2' })] }),
        containers: [container('o1'), container('o2'), container('release-a1-g2')],
      },
      ['stop-run release-a1-g2: deploy-ended'],
    ],
    [
      'ends with its deploy',
      {
        app: on({
          target: target({ releaseCommand: ['migrate'], isCancelAsked: true }),
          runs: [ofRelease()],
        }),
        containers: [container('o1'), container('o2'), container('release-a1-g3')],
      },
      ['cancel-rollout', 'stop-run release-a1-g3: deploy-ended'],
    ],
    [
      'ends at its own deadline',
      {
        app: on({ runs: [ofRelease({ timeoutSeconds: 10 })] }),
        containers: [container('o1'), container('o2'), container('release-a1-g3')],
      },
      ['stop-run release-a1-g3: deadline'],
    ],
    [
      'fails the deploy at the deadline of all, whatever holds it up',
      {
        app: on({
          target: target({ releaseCommand: ['migrate'], deadlineMs: NOW_MS }),
          runs: [ofRelease(unstarted)],
        }),
        notes: { 'release-a1-g3': { notBeforeMs: NOW_MS + 1 } },
      },
      ['fail: release-command'],
    ],
  ];
  it.each(table)('%s', (_name, given, expected) => {
    expect(words(given)).toEqual(expected);
  });

  it('is over when instances of the release are there, and is not looked at again', () => {
    const runs = [ofRelease(ended('succeeded'))];
    expect(
      words({
        app: app({ target: migrating, instances: [...old, fresh('n1'), fresh('n2')], runs }),
      }),
    ).toEqual(['retire o1', 'retire o2']);
  });
});

const definition: KnownCronJob = {
  schedule: '* * * * *',
  timeZone: 'UTC',
  command: ['clean'],
  overlap: 'forbid',
  missed: 'skip',
  timeoutSeconds: null,
  since: '2026-01-01T00:00:00.000Z',
};
const dues = (more: Partial<KnownCronJob> = {}, due: Partial<CronDue> = {}): Given['dues'] => ({
  due: [
    {
      job: 'clean',
      definition: { ...definition, ...more },
      dueMs: NOW_MS - 1000,
      earlier: 0,
      runId: 'clean-2',
      ...due,
    },
  ],
  nextAtMs: [],
});
const serving = (
  more: Parameters<typeof app>[0] = {},
  overlap: KnownCronJob['overlap'] = 'forbid',
) => app({ instances: old, cronJobs: { clean: { ...definition, overlap } }, ...more });
const running = [container('o1'), container('o2'), container('clean-1')];
const newer = { scheduledFor: '2026-01-01T12:00:00.000Z' };

describe('a cron job', () => {
  const table: [string, Given, string[]][] = [
    ['is scheduled when it is due', { app: serving(), dues: dues() }, ['schedule-run clean-2']],
    [
      'of a stopped app is not',
      { app: serving({ status: 'stopped', instances: [] }), dues: dues() },
      [],
    ],
    [
      'of an app of which nothing is live is not',
      { app: serving({ live: null, instances: [] }), dues: dues() },
      [],
    ],
    [
      'that was due while nobody was there is told of and not made up for',
      { app: serving(), dues: dues({}, { dueMs: NOW_MS - 61_000, earlier: 3 }) },
      ['skip clean-2: missed'],
    ],
    [
      'is made up for once where that is wanted',
      { app: serving(), dues: dues({ missed: 'once' }, { dueMs: NOW_MS - 3_600_000 }) },
      ['schedule-run clean-2'],
    ],
    [
      'waits for nobody: the next one is left out while one runs',
      { app: serving({ runs: [run('clean-1')] }), dues: dues(), containers: running },
      ['skip clean-2: overlap'],
    ],
    [
      'runs beside the last one where that is allowed',
      {
        app: serving({ runs: [run('clean-1')] }, 'allow'),
        dues: dues({ overlap: 'allow' }),
        containers: running,
      },
      ['schedule-run clean-2'],
    ],
    [
      'takes the place of the last one where that is wanted: first that one ends',
      {
        app: serving(
          { runs: [run('clean-1'), run('clean-2', { ...unstarted, ...newer })] },
          'replace',
        ),
        containers: running,
      },
      ['stop-run clean-1: replaced'],
    ],
    [
      'is started when the one it replaces is over',
      {
        app: serving({ runs: [run('clean-2', { ...unstarted, ...newer })] }, 'replace'),
        containers: [container('o1'), container('o2')],
      },
      ['create-run clean-2'],
    ],
  ];
  it.each(table)('%s', (_name, given, expected) => {
    expect(words(given)).toEqual(expected);
  });

  it('wakes the deployer when it is due next', () => {
    const nextAtMs = [NOW_MS + 5000, NOW_MS + 3000];
    expect(plan(input({ app: serving(), dues: { due: [], nextAtMs } })).nextAtMs).toBe(
      NOW_MS + 3000,
    );
  });
});

describe('an open run', () => {
  const of = (
    known: KnownRun,
    found: Parameters<typeof container>[1] | null,
    more: Partial<Given> = {},
  ): string[] =>
    words({
      app: serving({ runs: [known] }),
      containers: [
        container('o1'),
        container('o2'),
        ...(found === null ? [] : [container('clean-1', found)]),
      ],
      ...more,
    });
  const table: [string, string[], string[]][] = [
    [
      'is started',
      of(run('clean-1', unstarted), { status: 'created', startedAt: null }),
      ['start-run clean-1'],
    ],
    ['that runs is told of', of(run('clean-1', unstarted), {}), ['record-run-started clean-1']],
    [
      'that ran to its end while nobody was there is told of and never started again',
      of(run('clean-1', unstarted), { status: 'exited', exitCode: 0 }),
      ['record-run-started clean-1'],
    ],
    [
      'that ended is told of',
      of(run('clean-1'), { status: 'exited', exitCode: 0 }),
      ['end clean-1: exited'],
    ],
    [
      'whose container is gone is lost, and not run twice',
      of(run('clean-1'), null),
      ['end clean-1: lost'],
    ],
    [
      'that was told to end is ended',
      of(run('clean-1', { status: 'stopping', stopCause: 'asked' }), {}),
      ['stop clean-1'],
    ],
    [
      'that was told to end before it began is over',
      of(run('clean-1', { ...unstarted, status: 'stopping', stopCause: 'asked' }), {
        status: 'created',
        startedAt: null,
      }),
      ['end clean-1: lost'],
    ],
    [
      'is left alone while somebody is at it',
      of(run('clean-1'), { status: 'exited' }, { busy: ['clean-1'] }),
      [],
    ],
    [
      'that somebody typed cannot be started by anybody else',
      of(run('clean-1', { ...unstarted, kind: 'command', job: null, command: null }), null),
      ['end clean-1: lost'],
    ],
    [
      'whose terminal is gone is ended',
      of(run('clean-1', { kind: 'command', job: null, command: null, detached: false }), {}),
      ['stop-run clean-1: abandoned'],
    ],
    ['of a job that was removed goes on', of(run('clean-1', { job: 'gone' }), {}), []],
  ];
  it.each(table)('%s', (_name, done, expected) => {
    expect(done).toEqual(expected);
  });

  it('of a destroyed app ends', () => {
    expect(
      words({
        app: app({ status: 'destroyed', live: null, runs: [run('clean-1')] }),
        containers: [container('clean-1')],
      }),
    ).toEqual(['stop-run clean-1: app-destroyed']);
  });

  it('wakes the deployer at its deadline', () => {
    const given = {
      app: serving({ runs: [run('clean-1', { timeoutSeconds: 15 })] }),
      containers: running,
    };
    expect(plan(input(given)).nextAtMs).toBe(Date.parse(STARTED_AT) + 15_000);
  });
});

describe('a release command and how releases take turns', () => {
  const due = { ...target({ releaseCommand: ['migrate'] }), wanted: { web: 2, mailer: 1 } };
  const kinds = [
    { kind: 'rolling', batch: '1', pauseSeconds: 0 },
    { kind: 'blue-green', retainSeconds: 60 },
  ] as const;
  for (const strategy of kinds) {
    it(`makes nothing of the new release before it passed, and keeps what serves (${strategy.kind})`, () => {
      const of = { ...due, rollout: { ...due.rollout, strategy } };
      const live = { generation: 2, version: 2, wanted: { web: 4 } };
      const given = app({ live, target: of, instances: [instance('o1'), instance('o2')] });
      const made = words({ app: given }).filter((word) => word.startsWith('schedule '));
      expect(made).toEqual(['schedule 2 web g2']);
    });
  }
});

describe('a process type that runs once and shares of the requests', () => {
  const settings = { ...DEFAULT_SETTINGS, stopFirst: ['worker'] };
  const strategy = { kind: 'blue-green', retainSeconds: 60 } as const;
  const wanted = { web: 1, worker: 1 };
  const old = [instance('o1'), instance('w1', { process: 'worker', port: null })];
  const at = (step: number, steppedAtMs: number | null): Given => {
    const of = { ...target({ strategy, step, steppedAtMs }), wanted };
    const live = { generation: 2, version: 2, wanted };
    return {
      app: app({ settings, live, target: of, instances: [...old, fresh('n1')] }),
      weights: step === 0 ? { n1: 0 } : { o1: 0 },
    };
  };

  it('switches without waiting for it', () => {
    expect(words(at(0, null))).toContain('step-rollout');
  });
  it('replaces it when what served is no longer kept', () => {
    expect(words(at(1, NOW_MS - 1_000))).not.toContain('retire w1');
    expect(words(at(1, NOW_MS - 61_000))).toContain('retire w1');
  });
});
