import { describe, expect, it } from 'vitest';
import type { RunEvent } from '@shiplog/events';
import { World } from '../world.js';
import { given } from '../testing/given.js';
import { run, type RunCommand } from './index.js';

type Data<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>['data'];

const data = (more: Partial<Data<'RunScheduled'>> = {}): Data<'RunScheduled'> => ({
  runId: 'r1',
  appId: 'a1',
  kind: 'cron',
  version: 1,
  nodeId: 'n1',
  command: ['clean'],
  rolloutId: null,
  job: 'cleanup',
  scheduledFor: '2026-01-01T00:00:00.000Z',
  missed: 0,
  timeoutSeconds: null,
  detached: true,
  ...more,
});
const ids = { runId: 'r1', appId: 'a1' };
const scheduled = (more: Partial<Data<'RunScheduled'>> = {}): RunEvent => ({
  type: 'RunScheduled',
  v: 1,
  data: data(more),
});
const started: RunEvent = {
  type: 'RunStarted',
  v: 1,
  data: { ...ids, containerId: 'abcdef012345', startedAt: '2026-01-01T00:00:01.000Z' },
};
const end = {
  outcome: 'failed',
  exitCode: 3,
  oomKilled: false,
  cause: null,
  detail: null,
  endedAt: null,
  logLines: ['no'],
} as const;
const endRun: RunCommand = { type: 'EndRun', ...end, logLines: ['no'] };
const ended = (more: object = {}, of: object = ids): RunEvent =>
  ({ type: 'RunEnded', v: 1, data: { ...of, ...end, ...more } }) as unknown as RunEvent;
const stopping: RunEvent = { type: 'RunStopping', v: 1, data: { ...ids, cause: 'deadline' } };

describe('a run', () => {
  it('is scheduled once, however often that is asked', () => {
    given(run)()
      .when({ type: 'ScheduleRun', ...data() })
      .then(scheduled());
    given(run)(scheduled())
      .when({ type: 'ScheduleRun', ...data() })
      .thenNothing();
    given(run)(scheduled(), started, ended())
      .when({ type: 'ScheduleRun', ...data() })
      .thenNothing();
  });

  it('that is skipped is told of with its reason, and never run after that', () => {
    const skip = { type: 'SkipRun', ...data(), cause: 'overlap', detail: 'r0 still ran' } as const;
    const skipped = { outcome: 'skipped', exitCode: null, logLines: [] } as const;
    given(run)()
      .when(skip)
      .then(scheduled(), ended({ ...skipped, cause: 'overlap', detail: 'r0 still ran' }));
    given(run)(scheduled()).when(skip).thenNothing();
  });

  it('starts once and ends once', () => {
    const { containerId, startedAt } = started.data;
    const record = { type: 'RecordRunStarted', containerId, startedAt } as const;
    given(run)(scheduled()).when(record).then(started);
    given(run)(scheduled(), started).when(record).thenNothing();
    given(run)(scheduled(), started).when(endRun).then(ended());
    given(run)(scheduled(), started, ended())
      .when(endRun)
      .thenRejected({ code: 'run-not-open', status: 'ended' });
  });

  it('that was told to end was stopped, whatever its program said at last', () => {
    given(run)(scheduled(), started).when({ type: 'StopRun', cause: 'deadline' }).then(stopping);
    given(run)(scheduled(), started, stopping)
      .when({ type: 'StopRun', cause: 'asked' })
      .thenNothing();
    given(run)(scheduled(), started, stopping)
      .when({ ...endRun, outcome: 'succeeded', exitCode: 0 })
      .then(ended({ outcome: 'stopped', exitCode: 0, cause: 'deadline' }));
  });
});

describe('the world', () => {
  const world = () => {
    const made = new World();
    let n = 0;
    const put = (...events: RunEvent[]): void => {
      n += 1;
      const position = String(n).padStart(20, '0');
      const runId = events[0]?.data.runId ?? '';
      const commit = { stream: `run.${runId}`, events, to: n, command: null, time: '' };
      made.apply({ position, revision: position, hash: '', commit } as never);
    };
    const known = (): string[] => made.runsOf('a1').map(({ runId }) => runId);
    return { made, put, known };
  };
  const due = (runId: string, hour: number): RunEvent =>
    scheduled({ runId, scheduledFor: `2026-01-01T0${hour}:00:00.000Z` });
  const over = (runId: string): RunEvent => ended({}, { runId, appId: 'a1' });

  it('remembers the newest due run of each job and forgets older ones', () => {
    const { put, known, made } = world();
    for (let hour = 0; hour < 5; hour += 1) put(due(`r${hour}`, hour), over(`r${hour}`));
    expect(known()).toEqual(['r4']);
    put(scheduled({ runId: 'b1', job: 'other' }), over('b1'));
    expect(known()).toEqual(['r4', 'b1']);
    const copy = new World();
    copy.restore(JSON.parse(JSON.stringify(made.snapshot())));
    expect(copy.runsOf('a1')).toEqual(made.runsOf('a1'));
  });

  it('remembers what is open, also where a newer one is over', () => {
    const { put, known } = world();
    put(due('r0', 0));
    put(due('r1', 1), over('r1'));
    expect(known()).toEqual(['r0', 'r1']);
    put(over('r0'));
    expect(known()).toEqual(['r1']);
  });

  it('forgets what somebody asked for when it is over', () => {
    const { put, known } = world();
    put(due('r0', 0), over('r0'));
    put(scheduled({ runId: 'm1', scheduledFor: null }));
    put(scheduled({ runId: 'c1', kind: 'command', job: null, scheduledFor: null }));
    put(over('m1'));
    put(over('c1'));
    expect(known()).toEqual(['r0']);
  });
});
