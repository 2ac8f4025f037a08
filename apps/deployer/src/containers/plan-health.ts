import type { KnownInstance } from '@shiplog/domain';
import type { Action, Plan, PlanInput } from './actions.js';
import { isOutOfRouting } from './serving.js';

/** Of one process type at most this share is started again at once, and always one. */
const SHARE_AT_ONCE = 4;
/** A router that does not confirm holds up no restart for longer: nothing good is there to be lost. */
const UNROUTED_WAIT_MS = 5_000;
/** What hangs does not use its grace period; what only answers wrongly gets this much of it. */
export const GRACE_SECONDS_MAX = 10;

/**
 * What follows from health checks: containers that somebody froze are out of routing, and instances that do not
 * live are started again: a few at a time, later and later, out of routing first.
 */
export const planHealth = (input: PlanInput): Plan => {
  if (input.app.status === 'unknown') return { actions: [], nextAtMs: null };
  const open = input.app.instances.filter(
    ({ instanceId, status }) => status !== 'retired' && !input.busy.has(instanceId),
  );
  const steps = [...open.map((one) => planFrozen(one, input)), ...planRestarts(open, input)];
  const times = steps.flatMap(({ atMs }) => atMs ?? []);
  return {
    actions: steps.flatMap(({ action }) => action ?? []),
    nextAtMs: times.length === 0 ? null : Math.min(...times),
  };
};

interface Step {
  readonly action?: Action;
  readonly atMs?: number;
}

const runs = ({ status }: KnownInstance): boolean => status === 'ready' || status === 'unready';

const planFrozen = (instance: KnownInstance, { containers }: PlanInput): Step => {
  const { appId, instanceId, unready } = instance;
  if (containers.get(instanceId)?.status !== 'paused' || !runs(instance)) return {};
  if (unready?.cause === 'paused' || unready?.cause === 'liveness') return {};
  const got = 'its container is paused';
  return { action: { type: 'record-unready', appId, instanceId, cause: 'paused', check: '', got } };
};

const planRestarts = (open: readonly KnownInstance[], input: PlanInput): Step[] => {
  const asked = open.filter(({ unready }) => unready?.cause === 'liveness');
  const due = open.filter((instance) => runs(instance) && isDead(instance, input));
  return [
    ...asked.map((instance) => planEnd(instance, input)),
    ...[...new Set(due.map(({ process }) => process))].flatMap((process) => {
      const all = input.app.instances.filter(
        (one) => one.process === process && one.status !== 'retired',
      );
      const underWay = all.filter((one) => isComingBack(one, input)).length;
      const room = Math.max(1, Math.floor(all.length / SHARE_AT_ONCE)) - underWay;
      return due
        .filter((one) => one.process === process)
        .map((one) => planVerdict(one, input))
        .slice(0, Math.max(0, room));
    }),
  ];
};

/** Its liveness check failed, in the run that is on. */
const isDead = (
  { instanceId, unready }: KnownInstance,
  { notes, containers }: PlanInput,
): boolean => {
  const container = containers.get(instanceId);
  return (
    unready?.cause !== 'liveness' &&
    container?.status === 'running' &&
    notes.get(instanceId)?.notLiving?.startedAt === container.startedAt
  );
};

/** Being started again, and not yet given up as one that never gets ready. */
const isComingBack = (instance: KnownInstance, input: PlanInput): boolean => {
  const { status, unready, instanceId } = instance;
  if (unready?.cause === 'liveness') return true;
  if (input.notes.get(instanceId)?.revivedAtMs === undefined) return false;
  if (status !== 'exited' && status !== 'starting') return false;
  const sinceMs = input.notes.get(instanceId)?.revivedAtMs ?? 0;
  return input.nowMs < sinceMs + input.app.settings.startTimeoutSeconds * 1000;
};

const planVerdict = ({ appId, instanceId }: KnownInstance, { notes, nowMs }: PlanInput): Step => {
  const note = notes.get(instanceId);
  const atMs = note?.reviveNotBeforeMs ?? 0;
  if (nowMs < atMs) return { atMs };
  const { check = '', got = '' } = note?.notLiving ?? {};
  return {
    action: { type: 'record-unready', appId, instanceId, cause: 'liveness', check, got },
  };
};

/** It is in the log that it is started again: its run ends once nothing new comes to it. */
const planEnd = (instance: KnownInstance, input: PlanInput): Step => {
  const { appId, instanceId } = instance;
  const container = input.containers.get(instanceId);
  if (container?.status !== 'running' && container?.status !== 'paused') return {};
  if (instance.startedAt !== undefined && instance.startedAt !== container.startedAt) return {};
  const atMs = (input.notes.get(instanceId)?.revivedAtMs ?? 0) + UNROUTED_WAIT_MS;
  if (!isOutOfRouting(instance, input.routers) && input.nowMs < atMs) return { atMs };
  const graceSeconds = Math.min(GRACE_SECONDS_MAX, input.app.settings.graceSeconds);
  return {
    action: { type: 'end-instance', appId, instanceId, containerId: container.id, graceSeconds },
  };
};
