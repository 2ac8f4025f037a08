import type { RunDocument } from '../documents.js';
import { defineProjection, type Envelope, type EventNamed, type Rows } from '../projection.js';

const EVENTS = ['RunScheduled', 'RunStarted', 'RunStopping', 'RunEnded'] as const;

/** The newest runs that can still be asked for: of each cron job, of release commands, of what was typed. */
const KEPT = 50;

/** Runs of one kind, oldest first. */
interface Line {
  readonly ids: readonly string[];
}

export const runProjection = defineProjection<'runs', (typeof EVENTS)[number], Line>({
  model: 'runs',
  version: 1,
  events: EVENTS,
  indexed: ['appId'],
  needs: (event) =>
    event.type === 'RunScheduled'
      ? { fresh: [event.data.runId], memories: [lineOf(event.data)] }
      : { documents: [event.data.runId] },
  evolve: (rows, event, at) => {
    const { runId } = event.data;
    if (event.type === 'RunScheduled') {
      rows.replace(runId, scheduled(event, at));
      return forgetOldest(rows, lineOf(event.data), runId);
    }
    const run = rows.document(runId);
    if (run !== undefined) rows.put(runId, evolveKnown(run, event, at));
  },
  columns: ({ appId, state, job }) => ({ appId, status: state, name: job }),
});

const lineOf = ({ appId, kind, job }: EventNamed<'RunScheduled'>['data']): string =>
  `${appId} ${kind} ${job ?? ''}`;

const scheduled = ({ data }: EventNamed<'RunScheduled'>, at: Envelope): RunDocument => ({
  id: data.runId,
  appId: data.appId,
  kind: data.kind,
  state: 'scheduled',
  version: data.version,
  command: data.command,
  job: data.job,
  rolloutId: data.rolloutId,
  scheduledFor: data.scheduledFor,
  missed: data.missed,
  timeoutSeconds: data.timeoutSeconds,
  detached: data.detached,
  nodeId: data.nodeId,
  containerId: null,
  scheduledAt: at.time,
  startedAt: null,
  stoppingAt: null,
  endedAt: null,
  exitCode: null,
  oomKilled: false,
  cause: null,
  detail: null,
  logLines: [],
});

const evolveKnown = (
  run: RunDocument,
  event: EventNamed<'RunStarted' | 'RunStopping' | 'RunEnded'>,
  at: Envelope,
): RunDocument => {
  switch (event.type) {
    case 'RunStarted': {
      const { containerId, startedAt } = event.data;
      const state = run.state === 'scheduled' ? 'running' : run.state;
      return { ...run, state, containerId, startedAt };
    }
    case 'RunStopping':
      return { ...run, state: 'stopping', cause: event.data.cause, stoppingAt: at.time };
    case 'RunEnded': {
      const { outcome, exitCode, oomKilled, cause, detail, endedAt, logLines } = event.data;
      return {
        ...run,
        state: outcome,
        exitCode,
        oomKilled,
        cause,
        detail,
        logLines,
        endedAt: endedAt ?? at.time,
      };
    }
  }
};

const forgetOldest = (rows: Rows<RunDocument, Line>, line: string, runId: string): void => {
  const ids = [...(rows.memory(line)?.ids ?? []).filter((id) => id !== runId), runId];
  for (const old of ids.slice(0, -KEPT)) rows.remove(old);
  rows.remember(line, { ids: ids.slice(-KEPT) });
};
