import type { RunEvent, RunStopCause } from '@shiplog/events';
import { accept, reject, type Decider } from '../decider.js';

type EventData<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>['data'];
export type RunKind = EventData<'RunScheduled'>['kind'];
export type RunOutcome = EventData<'RunEnded'>['outcome'];
export type RunEnd = Omit<EventData<'RunEnded'>, 'runId' | 'appId'>;

export type RunCommand =
  | ({ type: 'ScheduleRun' } & EventData<'RunScheduled'>)
  /** It is due and will not be started; that it was due is told all the same. */
  | ({ type: 'SkipRun'; cause: 'overlap' | 'missed'; detail: string } & EventData<'RunScheduled'>)
  | { type: 'RecordRunStarted'; containerId: string; startedAt: string }
  | { type: 'StopRun'; cause: RunStopCause }
  | ({ type: 'EndRun' } & RunEnd);

/** scheduled → started → ended; from the first two by way of stopping where it was told to end. */
export interface KnownRun extends EventData<'RunScheduled'> {
  readonly status: 'scheduled' | 'started' | 'stopping' | 'ended';
  readonly containerId: string | null;
  readonly startedAt: string | null;
  readonly stopCause: RunStopCause | null;
  /** Without its lines: they are in the log. */
  readonly end: Pick<RunEnd, 'outcome' | 'exitCode' | 'oomKilled' | 'cause' | 'detail'> | null;
}
export type RunState = { readonly status: 'none' } | KnownRun;
export type RunRejection = { code: 'run-not-open'; status: RunState['status'] };

/** Known before it exists, as its deploy is: the command of one deploy is never run twice at once. */
export const releaseRunIdOf = (rolloutId: string): string => `release-${rolloutId}`;

export const run: Decider<RunState, RunCommand, RunEvent, RunRejection> = {
  initialState: { status: 'none' },
  decide: (command, state) => {
    switch (command.type) {
      case 'ScheduleRun': {
        const { type: _type, ...data } = command;
        return state.status === 'none' ? accept({ type: 'RunScheduled', v: 1, data }) : accept();
      }
      case 'SkipRun': {
        const { type: _type, cause, detail, ...data } = command;
        if (state.status !== 'none') return accept();
        const end = { ...NOT_RUN, outcome: 'skipped' as const, cause, detail };
        const { runId, appId } = data;
        return accept(
          { type: 'RunScheduled', v: 1, data },
          { type: 'RunEnded', v: 1, data: { runId, appId, ...end } },
        );
      }
      default:
        return state.status === 'none' || state.status === 'ended'
          ? reject({ code: 'run-not-open', status: state.status })
          : decideOpen(command, state);
    }
  },
  evolve: (state, event) => {
    if (event.type === 'RunScheduled') {
      return {
        status: 'scheduled',
        ...event.data,
        containerId: null,
        startedAt: null,
        stopCause: null,
        end: null,
      };
    }
    if (state.status === 'none') return state;
    switch (event.type) {
      case 'RunStarted': {
        const { containerId, startedAt } = event.data;
        const status = state.status === 'scheduled' ? 'started' : state.status;
        return { ...state, status, containerId, startedAt };
      }
      case 'RunStopping':
        return { ...state, status: 'stopping', stopCause: event.data.cause };
      case 'RunEnded': {
        const { outcome, exitCode, oomKilled, cause, detail } = event.data;
        return { ...state, status: 'ended', end: { outcome, exitCode, oomKilled, cause, detail } };
      }
    }
  },
};

const NOT_RUN: RunEnd = {
  outcome: 'skipped',
  exitCode: null,
  oomKilled: false,
  cause: null,
  detail: null,
  endedAt: null,
  logLines: [],
};

const decideOpen = (
  command: Exclude<RunCommand, { type: 'ScheduleRun' | 'SkipRun' }>,
  state: KnownRun,
): ReturnType<typeof run.decide> => {
  const { runId, appId } = state;
  switch (command.type) {
    case 'RecordRunStarted': {
      if (state.containerId !== null) return accept();
      const { containerId, startedAt } = command;
      return accept({ type: 'RunStarted', v: 1, data: { runId, appId, containerId, startedAt } });
    }
    case 'StopRun':
      if (state.status === 'stopping') return accept();
      return accept({ type: 'RunStopping', v: 1, data: { runId, appId, cause: command.cause } });
    case 'EndRun': {
      const { type: _type, ...end } = command;
      return accept({ type: 'RunEnded', v: 1, data: { runId, appId, ...endOf(end, state) } });
    }
  }
};

/** What was told to end did not end by itself, whatever it said at last. */
const endOf = (end: RunEnd, { stopCause }: KnownRun): RunEnd =>
  stopCause === null ? end : { ...end, outcome: 'stopped', cause: stopCause };
