import type { DomainEventUnion } from '../registry.js';

const runId = 'cleanup-0123456789abcdef0123';

type DataOf<T extends DomainEventUnion['type']> = Extract<DomainEventUnion, { type: T }>['data'];
type RunSamples = {
  readonly [T in
    | 'CronJobSet'
    | 'CronJobRemoved'
    | 'RunScheduled'
    | 'RunStarted'
    | 'RunStopping'
    | 'RunEnded']: DataOf<T>;
};

/** Of cron jobs and one-off commands. */
export const runSamples = ({
  appId,
  rolloutId,
}: {
  readonly appId: string;
  readonly rolloutId: string;
}): RunSamples => ({
  CronJobSet: {
    appId,
    job: 'cleanup',
    schedule: '30 3 * * MON-FRI',
    timeZone: 'Europe/Berlin',
    command: ['node', 'clean.js', '--all'],
    overlap: 'forbid',
    missed: 'once',
    timeoutSeconds: 3600,
    since: '2026-11-26T03:00:00.000Z',
  },
  CronJobRemoved: { appId, job: 'cleanup' },
  RunScheduled: {
    runId,
    appId,
    kind: 'cron',
    version: 3,
    nodeId: 'node-1',
    command: ['node', 'clean.js', '--all'],
    rolloutId,
    job: 'cleanup',
    scheduledFor: '2026-11-26T02:30:00.000Z',
    missed: 2,
    timeoutSeconds: 3600,
    detached: true,
  },
  RunStarted: {
    runId,
    appId,
    containerId: '0123456789abcdef'.repeat(4),
    startedAt: '2026-11-26T02:30:00.123456789Z',
  },
  RunStopping: { runId, appId, cause: 'deadline' },
  RunEnded: {
    runId,
    appId,
    outcome: 'stopped',
    exitCode: 137,
    oomKilled: true,
    cause: 'deadline',
    detail: 'it took longer than 3600 s',
    endedAt: '2026-11-26T03:30:10.123456789Z',
    logLines: ['cleaning 12 of 345', 'Grüße aus dem Container 🚢'],
  },
});
