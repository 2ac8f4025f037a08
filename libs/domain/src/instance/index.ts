import type { InstanceEvent } from '@shiplog/events';
import { accept, reject, type Decider } from '../decider.js';

type EventData<T extends InstanceEvent['type']> = Extract<InstanceEvent, { type: T }>['data'];
export type RetireReason = EventData<'InstanceRetired'>['reason'];
/** How an instance is reached: at its own address, or at its host port. */
export type Reach = NonNullable<EventData<'InstanceReady'>['reach']>;

export type InstanceCommand =
  | ({ type: 'ScheduleInstance' } & EventData<'InstanceScheduled'>)
  | { type: 'RecordStarted'; containerId: string; restarts: number; startedAt?: string }
  | { type: 'RecordReady'; reach?: Reach }
  | {
      type: 'RecordExited';
      exitCode: number | null;
      oomKilled: boolean;
      logLines: readonly string[];
    }
  | { type: 'RecordSignalled'; signal: string; graceSeconds: number | null; at: string }
  | { type: 'RetireInstance'; reason: RetireReason }
  | { type: 'RecordStopped'; exitCode: number | null; killed: boolean };

/**
 * scheduled → starting → ready ⇄ exited (the engine starts it again) → retired → stopped.
 * Retiring is possible from everywhere, and only the way from retired leads to stopped.
 */
export type InstanceStatus = 'scheduled' | 'starting' | 'ready' | 'exited' | 'retired' | 'stopped';

export interface KnownInstance {
  readonly status: InstanceStatus;
  readonly instanceId: string;
  readonly appId: string;
  readonly process: string;
  readonly version: number;
  readonly generation: number;
  readonly nodeId: string;
  readonly port: number | null;
  readonly containerPort: number | null;
  /** Its own in its team's network; null or absent where the engine chooses one at each start. */
  readonly address?: string | null | undefined;
  /** As the newest probe found it; absent means `published`. */
  readonly reach?: Reach | undefined;
  readonly containerId: string | null;
  readonly restarts: number;
  /** The engine's time of the newest start that was recorded; absent before the first. */
  readonly startedAt?: string;
  /** Was it ever ready? Tells a crash at start from a crash later. */
  readonly wasReady: boolean;
  readonly retireReason: RetireReason | null;
  /** Of its newest run, in the order in which they were recorded. */
  readonly signals?: readonly Signalled[];
  readonly lastExit: { readonly exitCode: number | null; readonly oomKilled: boolean } | null;
}
interface Signalled {
  readonly signal: string;
  readonly at: string;
  /** Set where we sent it, to end it. */
  readonly graceSeconds: number | null;
}
export type InstanceState = { readonly status: 'none' } | KnownInstance;
export type InstanceRejection = { code: 'instance-not-in-state'; status: InstanceState['status'] };

export const instance: Decider<InstanceState, InstanceCommand, InstanceEvent, InstanceRejection> = {
  initialState: { status: 'none' },
  decide: (command, state) => {
    if (command.type === 'ScheduleInstance') {
      if (state.status !== 'none') return accept();
      const { type: _, ...data } = command;
      return accept({ type: 'InstanceScheduled', v: 1, data });
    }
    if (state.status === 'none' || state.status === 'stopped') {
      return reject({ code: 'instance-not-in-state', status: state.status });
    }
    return decideKnown(command, state);
  },
  evolve: (state, event) => {
    if (event.type === 'InstanceScheduled') {
      return {
        status: 'scheduled',
        ...event.data,
        containerId: null,
        restarts: 0,
        wasReady: false,
        retireReason: null,
        lastExit: null,
      };
    }
    return state.status === 'none' ? state : evolveKnown(state, event);
  },
};

const decideKnown = (
  command: Exclude<InstanceCommand, { type: 'ScheduleInstance' }>,
  state: KnownInstance,
): ReturnType<typeof instance.decide> => {
  const ids = { instanceId: state.instanceId, appId: state.appId };
  switch (command.type) {
    case 'RecordStarted': {
      const { containerId, restarts, startedAt } = command;
      if (
        state.containerId === containerId &&
        state.restarts === restarts &&
        state.status !== 'exited'
      ) {
        return accept();
      }
      const data = { ...ids, containerId, restarts };
      return accept({
        type: 'InstanceStarted',
        v: 1,
        data: startedAt === undefined ? data : { ...data, startedAt },
      });
    }
    case 'RecordReady': {
      if (state.status === 'ready') return accept();
      if (state.status !== 'starting') {
        return reject({ code: 'instance-not-in-state', status: state.status });
      }
      const { reach } = command;
      const data = reach === undefined ? ids : { ...ids, reach };
      return accept({ type: 'InstanceReady', v: 1, data });
    }
    case 'RecordExited': {
      if (state.status === 'exited') return accept();
      const { exitCode, oomKilled, logLines } = command;
      return accept({
        type: 'InstanceExited',
        v: 1,
        data: { ...ids, exitCode, oomKilled, logLines: [...logLines] },
      });
    }
    case 'RecordSignalled':
      return recordSignalled(command, state);
    case 'RetireInstance':
      if (state.status === 'retired') return accept();
      return accept({ type: 'InstanceRetired', v: 1, data: { ...ids, reason: command.reason } });
    case 'RecordStopped':
      if (state.status !== 'retired') {
        return reject({ code: 'instance-not-in-state', status: state.status });
      }
      return accept({
        type: 'InstanceStopped',
        v: 1,
        data: { ...ids, exitCode: command.exitCode, killed: command.killed },
      });
  }
};

/** What was seen in two ways is told once: of each signal the first one in a run. */
const recordSignalled = (
  { signal, graceSeconds, at }: Extract<InstanceCommand, { type: 'RecordSignalled' }>,
  { instanceId, appId, signals = [] }: KnownInstance,
): ReturnType<typeof instance.decide> =>
  signals.some((known) => known.signal === signal)
    ? accept()
    : accept({
        type: 'InstanceSignalled',
        v: 1,
        data: { instanceId, appId, signal, graceSeconds, at },
      });

const evolveKnown = (
  state: KnownInstance,
  event: Exclude<InstanceEvent, { type: 'InstanceScheduled' }>,
): KnownInstance => {
  const retired = state.status === 'retired';
  switch (event.type) {
    case 'InstanceStarted':
      return {
        ...state,
        status: retired ? 'retired' : 'starting',
        containerId: event.data.containerId,
        restarts: event.data.restarts,
        startedAt: event.data.startedAt,
        signals: [],
      };
    case 'InstanceReady':
      return {
        ...state,
        status: retired ? 'retired' : 'ready',
        wasReady: true,
        reach: event.data.reach,
      };
    case 'InstanceExited':
      return {
        ...state,
        status: retired ? 'retired' : 'exited',
        lastExit: { exitCode: event.data.exitCode, oomKilled: event.data.oomKilled },
      };
    case 'InstanceSignalled': {
      const { signal, at, graceSeconds } = event.data;
      return { ...state, signals: [...(state.signals ?? []), { signal, at, graceSeconds }] };
    }
    case 'InstanceRetired':
      return { ...state, status: 'retired', retireReason: event.data.reason };
    case 'InstanceStopped':
      return { ...state, status: 'stopped' };
  }
};
