import type { InstanceDocument } from '../documents.js';
import { defineProjection, type Envelope, type EventNamed, type Rows } from '../projection.js';

const EVENTS = [
  'InstanceScheduled',
  'InstanceStarted',
  'InstanceReady',
  'InstanceUnready',
  'InstanceExited',
  'InstanceResized',
  'InstanceResizeRefused',
  'InstanceRetired',
  'InstanceStopped',
  'RoutesApplied',
] as const;

/** Stopped instances that can still be asked for, per app. */
const ENDED_KEPT = 50;
const EXITS_KEPT = 5;

/** Stopped instances of one app, oldest first. */
interface Ended {
  readonly ids: readonly string[];
}
type InstanceRows = Rows<InstanceDocument, Ended>;

export const instanceProjection = defineProjection<'instances', (typeof EVENTS)[number], Ended>({
  model: 'instances',
  version: 4,
  events: EVENTS,
  indexed: ['appId'],
  needs: (event) => {
    if (event.type === 'RoutesApplied') {
      const { routed, unrouted, drained } = event.data;
      return { documents: [...routed, ...unrouted, ...drained] };
    }
    const { instanceId, appId } = event.data;
    if (event.type === 'InstanceScheduled') return { fresh: [instanceId] };
    return {
      documents: [instanceId],
      ...(event.type === 'InstanceStopped' ? { memories: [appId] } : {}),
    };
  },
  evolve: (rows, event, at) => {
    if (event.type === 'RoutesApplied') return applyRoutes(rows, event);
    const { instanceId } = event.data;
    if (event.type === 'InstanceScheduled') return rows.replace(instanceId, scheduled(event, at));
    const instance = rows.document(instanceId);
    if (instance === undefined || instance.state === 'stopped') return;
    rows.put(instanceId, evolveKnown(instance, event, at));
    if (event.type === 'InstanceStopped') forgetOldest(rows, instance);
  },
  columns: ({ appId, state }) => ({ appId, status: state }),
});

const scheduled = ({ data }: EventNamed<'InstanceScheduled'>, at: Envelope): InstanceDocument => ({
  id: data.instanceId,
  appId: data.appId,
  process: data.process,
  version: data.version,
  generation: data.generation,
  state: 'scheduled',
  nodeId: data.nodeId,
  port: data.port,
  containerPort: data.containerPort,
  address: data.address ?? null,
  containerId: null,
  restarts: 0,
  scheduledAt: at.time,
  startedAt: null,
  readyAt: null,
  unready: null,
  retiredAt: null,
  stoppedAt: null,
  retireReason: null,
  exits: [],
  stop: null,
  limits: null,
  resizeRefused: null,
  routes: {},
});

const evolveKnown = (
  instance: InstanceDocument,
  event: EventNamed<
    | 'InstanceStarted'
    | 'InstanceReady'
    | 'InstanceUnready'
    | 'InstanceExited'
    | 'InstanceResized'
    | 'InstanceResizeRefused'
    | 'InstanceRetired'
    | 'InstanceStopped'
  >,
  at: Envelope,
): InstanceDocument => {
  // Once retired it stays so until it is stopped, whatever its container still does.
  const become = (state: InstanceDocument['state']) =>
    instance.state === 'retired' ? 'retired' : state;
  switch (event.type) {
    case 'InstanceStarted':
      return {
        ...instance,
        state: become('starting'),
        containerId: event.data.containerId,
        restarts: event.data.restarts,
        startedAt: event.data.startedAt ?? at.time,
        readyAt: null,
        unready: null,
      };
    case 'InstanceReady':
      return { ...instance, state: become('ready'), readyAt: at.time, unready: null };
    case 'InstanceUnready': {
      const { cause, check, got } = event.data;
      return { ...instance, state: become('unready'), unready: { at: at.time, cause, check, got } };
    }
    case 'InstanceExited': {
      const { exitCode, oomKilled, logLines } = event.data;
      const exit = { at: at.time, exitCode, oomKilled, logLines };
      return {
        ...instance,
        state: become('exited'),
        exits: [...instance.exits, exit].slice(-EXITS_KEPT),
      };
    }
    case 'InstanceResized':
      return { ...instance, limits: event.data.limits, resizeRefused: null };
    case 'InstanceResizeRefused':
      return { ...instance, resizeRefused: event.data.summary };
    case 'InstanceRetired':
      return {
        ...instance,
        state: 'retired',
        retireReason: event.data.reason,
        retiredAt: at.time,
      };
    case 'InstanceStopped': {
      const { exitCode, killed } = event.data;
      return { ...instance, state: 'stopped', stoppedAt: at.time, stop: { exitCode, killed } };
    }
  }
};

const applyRoutes = (rows: InstanceRows, { data }: EventNamed<'RoutesApplied'>): void => {
  for (const step of ['routed', 'unrouted', 'drained'] as const) {
    for (const id of data[step]) {
      const instance = rows.document(id);
      if (instance === undefined) continue;
      rows.put(id, { ...instance, routes: { ...instance.routes, [data.routerId]: step } });
    }
  }
};

const forgetOldest = (rows: InstanceRows, { id, appId }: InstanceDocument): void => {
  const ids = [...(rows.memory(appId)?.ids ?? []), id];
  for (const old of ids.slice(0, -ENDED_KEPT)) rows.remove(old);
  rows.remember(appId, { ids: ids.slice(-ENDED_KEPT) });
};
