import type { KnownInstance } from '@shiplog/domain';
import type { Container } from './container-engine.port.js';
import type { Action, Note, Plan, PlanInput } from './actions.js';
import { graceLeft } from './plan-signals.js';
import { drainOf } from './serving.js';

/** A run that ended sooner counts as a crash in a row. */
export const SHORT_RUN_MS = 10_000;

/** Waiting before the next start: none after a long run or a first short one, then 1 s doubling to 5 min. */
export const backoffMs = (shortRuns: number): number =>
  shortRuns <= 1 ? 0 : Math.min(300_000, 1000 * 2 ** (shortRuns - 2));

/** The next step in the life of every instance: what the engine says against what the log says. */
export const planInstances = (input: PlanInput): Plan => {
  const steps = input.app.instances
    .filter(({ instanceId }) => !input.busy.has(instanceId))
    .map((instance) =>
      instance.status === 'retired'
        ? planRetired(instance, input)
        : planOpen(instance, input.containers.get(instance.instanceId), input),
    );
  const actions = steps.flatMap(({ action }) => action ?? []);
  const times = steps.flatMap(({ atMs }) => atMs ?? []);
  return {
    actions,
    nextAtMs: times.length === 0 ? null : Math.min(...times),
  };
};

interface Step {
  readonly action?: Action;
  readonly atMs?: number | null;
}

const planRetired = (instance: KnownInstance, input: PlanInput): Step => {
  const { instanceId, appId } = instance;
  const container = input.containers.get(instanceId);
  const drain = drainOf(instance, input);
  if (!drain.isDrained) return { atMs: drain.atMs };
  const isRunning =
    container !== undefined && ['running', 'paused', 'restarting'].includes(container.status);
  if (isRunning) {
    const graceSeconds = graceLeft(instance, input.app.settings.graceSeconds, input.nowMs);
    return {
      action: { type: 'stop', appId, instanceId, containerId: container.id, graceSeconds },
    };
  }
  const note = input.notes.get(instanceId);
  return {
    action: {
      type: 'record-stopped',
      appId,
      instanceId,
      exitCode: container?.exitCode ?? null,
      killed: note?.killed ?? false,
    },
  };
};

const planOpen = (
  instance: KnownInstance,
  container: Container | undefined,
  input: PlanInput,
): Step => {
  const { instanceId, appId } = instance;
  if (container === undefined) {
    // A container that was there and is not: somebody removed it.
    if (instance.containerId !== null) {
      return { action: { type: 'retire', appId, instanceId, reason: 'lost' } };
    }
    if (isAfterAnother(instance, input)) return {};
    return notBefore(input, instance, { type: 'create', appId, instanceId });
  }
  switch (container.status) {
    case 'created':
      return notBefore(input, instance, {
        type: 'start',
        appId,
        instanceId,
        containerId: container.id,
      });
    case 'running':
      return planRunning(instance, container, input);
    case 'restarting':
    case 'exited':
      return planEnded(instance, container, input);
    case 'dead':
      // The engine could not remove it, or cannot show it: it will never run again.
      return { action: { type: 'retire', appId, instanceId, reason: 'lost' } };
    case 'paused':
    case 'removing':
      return {};
  }
};

/**
 * Of a process type of which no two may run, another one is not out yet: that became so when this one was on
 * its way already.
 */
const isAfterAnother = ({ process, instanceId }: KnownInstance, { app }: PlanInput): boolean =>
  app.settings.stopFirst.includes(process) &&
  app.instances.find((one) => one.process === process)?.instanceId !== instanceId;

const notBefore = (input: PlanInput, instance: KnownInstance, action: Action): Step => {
  const note: Note | undefined = input.notes.get(instance.instanceId);
  // During a rollout what is hopeless fails it; afterwards it is tried again, ever more seldom.
  const atMs = note?.notBeforeMs ?? 0;
  return input.nowMs < atMs ? { atMs } : { action };
};

const started = (instance: KnownInstance, container: Container, restarts: number): Step => ({
  action: {
    type: 'record-started',
    appId: instance.appId,
    instanceId: instance.instanceId,
    containerId: container.id,
    restarts,
    startedAt: container.startedAt,
  },
});

const planRunning = (instance: KnownInstance, container: Container, input: PlanInput): Step => {
  const of = { appId: instance.appId, instanceId: instance.instanceId, containerId: container.id };
  if (instance.status === 'scheduled') return started(instance, container, 0);
  if (instance.status === 'exited')
    return started(instance, container, restartsOf(instance, container));
  // Another run than the one that was recorded: it ended and the engine started it again unseen.
  if (instance.startedAt !== undefined && instance.startedAt !== container.startedAt) {
    return { action: { type: 'record-exited', ...of } };
  }
  if (instance.status === 'starting') {
    // The limit of a rollout is the rollout's business; here the instance is asked until it answers.
    return { action: { type: 'probe', ...of } };
  }
  return container.restartPolicy === 'unless-stopped' || input.app.status === 'unknown'
    ? {}
    : { action: { type: 'keep-running', ...of } };
};

/** One more than recorded, or as many as the engine counted while nobody watched. */
const restartsOf = (instance: KnownInstance, container: Container): number =>
  Math.max(instance.restarts + 1, container.restartCount);

const planEnded = (instance: KnownInstance, container: Container, input: PlanInput): Step => {
  const of = { appId: instance.appId, instanceId: instance.instanceId, containerId: container.id };
  if (instance.status === 'scheduled') return started(instance, container, 0);
  if (instance.status !== 'exited') return { action: { type: 'record-exited', ...of } };
  // It was started once more and ended before anybody looked: that run counts, too.
  if (instance.startedAt !== undefined && instance.startedAt !== container.startedAt) {
    return started(instance, container, restartsOf(instance, container));
  }
  // The engine's own restart is on its way.
  if (container.status !== 'exited') return {};
  const finishedMs = container.finishedAt === null ? 0 : Date.parse(container.finishedAt);
  const restMs = finishedMs + backoffMs(input.notes.get(instance.instanceId)?.shortRuns ?? 0);
  if (input.nowMs < restMs) return { atMs: restMs };
  return notBefore(input, instance, { type: 'start', ...of });
};
