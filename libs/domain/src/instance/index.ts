import type { InstanceEvent, Limits, WebProtocol } from '@shiplog/events';
import { isSameLimits } from '../app/resources.js';
import { accept, reject, type Decider } from '../decider.js';

type EventData<T extends InstanceEvent['type']> = Extract<InstanceEvent, { type: T }>['data'];
export type RetireReason = EventData<'InstanceRetired'>['reason'];
export type UnreadyCause = EventData<'InstanceUnready'>['cause'];
/** How an instance is reached: at its own address, or at its host port. */
export type Reach = NonNullable<EventData<'InstanceReady'>['reach']>;

/** Why its running container could not be given these limits. */
export type ResizeRefusal = Pick<EventData<'InstanceResizeRefused'>, 'limits' | 'code' | 'summary'>;

export type InstanceCommand =
  | ({ type: 'ScheduleInstance'; protocol?: WebProtocol } & Omit<
      EventData<'InstanceScheduled'>,
      'protocol'
    >)
  | { type: 'RecordStarted'; containerId: string; restarts: number; startedAt?: string }
  /** `passed`: the health checks that it passed by then. */
  | { type: 'RecordReady'; reach?: Reach; passed?: readonly string[] }
  | { type: 'RecordCheckPassed'; check: string }
  | { type: 'RecordUnready'; cause: UnreadyCause; check: string; got: string }
  | {
      type: 'RecordExited';
      exitCode: number | null;
      oomKilled: boolean;
      logLines: readonly string[];
    }
  | { type: 'RecordResized'; limits: Limits; cause: EventData<'InstanceResized'>['cause'] }
  | ({ type: 'RecordResizeRefused' } & ResizeRefusal)
  | { type: 'RecordSignalled'; signal: string; graceSeconds: number | null; at: string }
  | { type: 'RetireInstance'; reason: RetireReason }
  | { type: 'RecordStopped'; exitCode: number | null; killed: boolean };

/**
 * scheduled → starting → ready ⇄ exited (the engine starts it again) → retired → stopped.
 * ready ⇄ unready: it runs, and its check failed. Retiring is possible from everywhere, and only the way from retired leads to stopped.
 */
export type InstanceStatus =
  'scheduled' | 'starting' | 'ready' | 'unready' | 'exited' | 'retired' | 'stopped';

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
  /** What it speaks there. */
  readonly protocol: WebProtocol;
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
  /** Health checks that it has passed, in any of its runs; absent: none that is recorded. */
  readonly passed?: readonly string[];
  /** While it is unready: why. */
  readonly unready?: { readonly cause: UnreadyCause; readonly got: string };
  readonly retireReason: RetireReason | null;
  /** The newest change of limits that could not be made while it runs. */
  readonly resizeRefused?: ResizeRefusal | undefined;
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
      const { type: _, protocol = 'http', ...data } = command;
      return accept({ type: 'InstanceScheduled', v: 2, data: { ...data, protocol } });
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
    case 'RecordReady':
      return recordReady(command, state);
    case 'RecordCheckPassed':
      return accept(...passedEvents(state, [command.check]));
    case 'RecordUnready':
      return recordUnready(command, state);
    case 'RecordExited': {
      if (state.status === 'exited') return accept();
      const { exitCode, oomKilled, logLines } = command;
      return accept({
        type: 'InstanceExited',
        v: 1,
        data: { ...ids, exitCode, oomKilled, logLines: [...logLines] },
      });
    }
    case 'RecordResized':
    case 'RecordResizeRefused':
      return decideResized(command, state);
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

const recordReady = (
  { reach, passed = [] }: Extract<InstanceCommand, { type: 'RecordReady' }>,
  state: KnownInstance,
): ReturnType<typeof instance.decide> => {
  const { status, unready } = state;
  if (status === 'ready') return accept();
  // What is to be started again has to pass as any new run.
  const isAsked = status === 'starting' || (status === 'unready' && unready?.cause !== 'liveness');
  if (!isAsked) return reject({ code: 'instance-not-in-state', status });
  const ids = { instanceId: state.instanceId, appId: state.appId };
  const data = reach === undefined ? ids : { ...ids, reach };
  return accept({ type: 'InstanceReady', v: 1, data }, ...passedEvents(state, passed));
};

const recordUnready = (
  { cause, check, got }: Extract<InstanceCommand, { type: 'RecordUnready' }>,
  { status, unready, instanceId, appId }: KnownInstance,
): ReturnType<typeof instance.decide> => {
  if (status !== 'ready' && status !== 'unready') {
    return reject({ code: 'instance-not-in-state', status });
  }
  // What is to be started again is beyond anything else.
  if (unready?.cause === cause || unready?.cause === 'liveness') return accept();
  const data = { instanceId, appId, cause, check, got };
  return accept({ type: 'InstanceUnready', v: 1, data });
};

const passedEvents = (
  { instanceId, appId, passed }: KnownInstance,
  names: readonly string[],
): InstanceEvent[] =>
  [...new Set(names)]
    .filter((check) => passed?.includes(check) !== true)
    .map((check) => ({ type: 'InstanceCheckPassed', v: 1, data: { instanceId, appId, check } }));

/** Checks come and go with what users set; the newest ones count. */
const PASSED_KEPT = 6;

/** Whatever comes next is no longer told by why it was unready. */
const answering = ({ unready: _, ...state }: KnownInstance): KnownInstance => state;

const decideResized = (
  command: Extract<InstanceCommand, { type: 'RecordResized' | 'RecordResizeRefused' }>,
  { instanceId, appId, resizeRefused: said }: KnownInstance,
): ReturnType<typeof instance.decide> => {
  const of = { instanceId, appId, limits: command.limits };
  if (command.type === 'RecordResized') {
    return accept({ type: 'InstanceResized', v: 1, data: { ...of, cause: command.cause } });
  }
  const { limits, code, summary } = command;
  // Tried again and again, and said once.
  if (said?.code === code && isSameLimits(said.limits, limits)) return accept();
  return accept({ type: 'InstanceResizeRefused', v: 1, data: { ...of, code, summary } });
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
        ...answering(state),
        status: retired ? 'retired' : 'starting',
        containerId: event.data.containerId,
        restarts: event.data.restarts,
        startedAt: event.data.startedAt,
        signals: [],
      };
    case 'InstanceReady':
      return {
        ...answering(state),
        status: retired ? 'retired' : 'ready',
        wasReady: true,
        reach: event.data.reach,
      };
    case 'InstanceCheckPassed':
      return { ...state, passed: [...(state.passed ?? []), event.data.check].slice(-PASSED_KEPT) };
    case 'InstanceUnready':
      return {
        ...state,
        status: retired ? 'retired' : 'unready',
        unready: { cause: event.data.cause, got: event.data.got },
      };
    case 'InstanceExited':
      return {
        ...state,
        status: retired ? 'retired' : 'exited',
        lastExit: { exitCode: event.data.exitCode, oomKilled: event.data.oomKilled },
      };
    case 'InstanceResized':
      return { ...state, resizeRefused: undefined };
    case 'InstanceResizeRefused': {
      const { limits, code, summary } = event.data;
      return { ...state, resizeRefused: { limits, code, summary } };
    }
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
