import {
  isReached,
  portsOf,
  waitsSecondsOf,
  type ActiveApp,
  type KnownInstance,
  type KnownRun,
  type World,
} from '@shiplog/domain';
import type { Image } from '@shiplog/events';
import { fault } from '../faults.js';
import { EngineError, type AddressRange } from './container-engine.port.js';
import { explainFailure } from './explain-failure.js';
import { containerPortOf, networkName } from './container-spec.js';
import { desiredApp } from './desired.js';
import { imageOf } from './instance-parts.js';
import type { Action } from './actions.js';
import type { Held } from './held.js';
import { isStillPlanned } from './plan-app.js';
import { readLastLines } from './read-last-lines.js';
import { ROUTED_PROCESS } from './serving.js';
import type { Workbench } from './workbench.js';

type ActionOf<T extends Action['type']> = Extract<Action, { type: T }>;

export const startRollout = async (
  bench: Workbench,
  { appId, rolloutId }: ActionOf<'start-rollout'>,
): Promise<void> => {
  const { target, settings } = desiredApp(bench.context.world, appId);
  if (target?.rollout.rolloutId !== rolloutId) return;
  const { strategy, releaseCommand } = target.rollout;
  const waitsSeconds = waitsSecondsOf(strategy, target.wanted);
  // Its release command may take as long as the rest; the rest has its whole time all the same.
  const parts = releaseCommand === null ? 1 : 2;
  const deadlineMs = bench.nowMs() + (parts * settings.rolloutTimeoutSeconds + waitsSeconds) * 1000;
  fault('before-start-rollout');
  await bench.record(
    'rollout',
    { id: rolloutId, appId },
    {
      type: 'StartRollout',
      rolloutId,
      appId,
      generation: target.generation,
      version: target.version,
      fromVersion: target.rollout.fromVersion,
      deadline: new Date(deadlineMs).toISOString(),
      strategy,
    },
  );
  fault('after-start-rollout');
};

/** What follows waits from here on, also for a process that comes after this one. */
export const stepRollout = async (
  bench: Workbench,
  { appId, rolloutId, step, percent }: ActionOf<'step-rollout'>,
): Promise<void> => {
  fault('before-step-rollout');
  const at = new Date(bench.nowMs()).toISOString();
  const of = { id: rolloutId, appId };
  await bench.record('rollout', of, { type: 'StepRollout', step, percent, at });
  fault('after-step-rollout');
};

export const endRollout = async (
  bench: Workbench,
  action: ActionOf<'complete-rollout' | 'cancel-rollout' | 'fail-rollout'>,
): Promise<void> => {
  const { appId, rolloutId } = action;
  const of = { id: rolloutId, appId };
  fault('before-end-rollout');
  switch (action.type) {
    case 'complete-rollout':
      await bench.record('rollout', of, { type: 'CompleteRollout' });
      break;
    case 'cancel-rollout':
      await bench.record('rollout', of, { type: 'CancelRollout', cause: action.cause });
      break;
    case 'fail-rollout': {
      const explanation = await explainFailure(bench, appId, action.failure);
      await bench.record('rollout', of, { type: 'FailRollout', explanation });
      break;
    }
  }
  fault('after-end-rollout');
  bench.context.logger.info({ appId, rolloutId }, action.type);
};

/** The ids are appended before anything is created: what exists is always known by name. */
export const schedule = async (
  bench: Workbench,
  action: ActionOf<'schedule'>,
  held: Held,
): Promise<void> => {
  const { appId, process, generation, version, count } = action;
  const { world, config } = bench.context;
  const deployment = world.deployment(appId);
  const release = [deployment?.target, deployment?.live].find(
    (candidate) => candidate?.generation === generation,
  )?.release;
  if (deployment === undefined || release === undefined) return;
  const { app } = deployment;
  const containerPort = listensAt(app, process, () => imageOf(world, release));
  for (let i = 0; i < count; i += 1) {
    const port = containerPort === null ? null : await portFor(bench, appId, held);
    if (containerPort !== null && port === null) return;
    const address = await addressFor(bench, app.teamId, held);
    const instanceId = newInstanceId(process, bench.randomBytes);
    fault('before-schedule');
    await bench.record(
      'instance',
      { id: instanceId, appId },
      {
        type: 'ScheduleInstance',
        instanceId,
        appId,
        process,
        version,
        generation,
        nodeId: config.nodeId,
        containerPort,
        protocol: app.settings.protocol,
        port,
        address,
      },
    );
    fault('after-schedule');
  }
};

/** Null for a process type that nobody outside is led to. */
const listensAt = (app: ActiveApp, process: string, image: () => Image): number | null => {
  if (!isReached(app, process)) return null;
  const [first] = process === ROUTED_PROCESS ? [] : portsOf(app, process);
  return first?.containerPort ?? containerPortOf(app.settings.port, image());
};

/** Null, and noted for the plan and the explanation, when there is none. */
const portFor = async (bench: Workbench, appId: string, held: Held): Promise<number | null> => {
  const port = await bench.ports.allocate(held).catch((error: unknown) => {
    if (!(error instanceof EngineError)) throw error;
    bench.context.logger.warn({ appId, said: error.said }, 'no-place-for-instance');
    bench.notes.lost(appId, error, bench.nowMs());
    return null;
  });
  if (port !== null) held.give(port);
  return port;
};

/** Where routers send requests, and where the apps of its team find it by name. */
const addressFor = async (bench: Workbench, teamId: string, held: Held): Promise<string | null> => {
  const range = await addressRange(bench, teamId);
  const address = range === null ? null : bench.addresses.allocate(range, held);
  if (address !== null) held.give(address);
  return address;
};

/** Where the network cannot be made, creating the container says why; its port is published all the same. */
const addressRange = async (bench: Workbench, teamId: string): Promise<AddressRange | null> => {
  try {
    const name = networkName(bench.context.config, teamId);
    return await bench.roundCalls.wait(
      `making network ${name}`,
      bench.engine.ensureNetwork(name, teamId),
    );
  } catch (error) {
    if (error instanceof EngineError && !error.isUnknown) return null;
    throw error;
  }
};

/** Short enough to type, long enough never to come twice: `web-` and 10 characters of 32. */
const newInstanceId = (process: string, randomBytes: Workbench['randomBytes']): string => {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  const tail = [...randomBytes(10)].map((byte) => alphabet[byte % alphabet.length]).join('');
  return `${process}-${tail}`;
};

export const retire = async (bench: Workbench, action: ActionOf<'retire'>): Promise<void> => {
  const { appId, instanceId, reason } = action;
  if (!isStillPlanned(bench, action)) return void bench.dirty.add(appId);
  fault('before-retire');
  await bench.record('instance', { id: instanceId, appId }, { type: 'RetireInstance', reason });
  fault('after-retire');
};

export const recordSignalled = async (
  bench: Workbench,
  { appId, instanceId, signal, graceSeconds, atMs }: ActionOf<'record-signalled'>,
): Promise<void> => {
  fault('before-record-signalled');
  await bench.record(
    'instance',
    { id: instanceId, appId },
    { type: 'RecordSignalled', signal, graceSeconds, at: new Date(atMs).toISOString() },
  );
  fault('after-record-signalled');
};

export const recordStarted = async (
  bench: Workbench,
  action: ActionOf<'record-started'>,
): Promise<void> => {
  const { appId, instanceId, containerId, restarts, startedAt } = action;
  fault('before-record-started');
  await bench.record(
    'instance',
    { id: instanceId, appId },
    {
      type: 'RecordStarted',
      containerId,
      restarts,
      ...(startedAt === null ? {} : { startedAt }),
    },
  );
  fault('after-record-started');
};

/** With the last lines it wrote: they outlive the container. */
export const recordExited = async (
  bench: Workbench,
  action: ActionOf<'record-exited'>,
): Promise<void> => {
  const { appId, instanceId, containerId } = action;
  const instance = bench.context.world.get('instance', instanceId).state;
  const container = bench.view.containers.get(instanceId);
  if (instance.status === 'none' || container === undefined) return;
  const noticed = bench.view.endOf(containerId);
  const logLines = await readLastLines(bench, instance, container);
  fault('before-record-exited');
  const isNew = await bench.record(
    'instance',
    { id: instanceId, appId },
    {
      type: 'RecordExited',
      exitCode: container.exitCode ?? noticed?.exitCode ?? null,
      oomKilled: container.oomKilled || noticed?.oomKilled === true,
      logLines,
    },
  );
  fault('after-record-exited');
  if (isNew) bench.notes.exited(instanceId, container);
};

export const recordStopped = async (
  bench: Workbench,
  action: ActionOf<'record-stopped'>,
): Promise<void> => {
  const { appId, instanceId, exitCode, killed } = action;
  const container = bench.view.containers.get(instanceId);
  // It never ran: there is no log in it that anybody could want to read.
  if (container?.status === 'created') await removeOrLeave(bench, container.id);
  fault('before-record-stopped');
  await bench.record(
    'instance',
    { id: instanceId, appId },
    { type: 'RecordStopped', exitCode, killed },
  );
  fault('after-record-stopped');
  removeNetworkOfDestroyed(bench, appId, instanceId);
};

/** What the engine hangs at is left to the collector. */
const removeOrLeave = async ({ engine, roundCalls }: Workbench, id: string): Promise<void> => {
  try {
    await roundCalls.wait(`removing container ${id}`, engine.remove(id));
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'no-answer') throw error;
  }
};

const openRuns = (world: World): readonly KnownRun[] =>
  [...world.all('run')].flatMap((run) =>
    run.status === 'none' || run.status === 'ended' ? [] : [run],
  );
const idOf = (one: KnownInstance | KnownRun): string =>
  'runId' in one ? one.runId : one.instanceId;

/**
 * The team's network goes with the last instance, or one-off command, of a destroyed app. The engine keeps it only while
 * something runs in it: an instance of another app that waits for its next start needs it, too.
 */
export const removeNetworkOfDestroyed = (bench: Workbench, appId: string, id: string): void => {
  const { world, config } = bench.context;
  const { state } = world.get('app', appId);
  if (state.status !== 'destroyed') return;
  // With its last one only: all of all apps are looked at.
  if (world.instancesOf(appId).some((other) => other.instanceId !== id)) return;
  const { teamId } = state;
  const isNeeded = [...world.instances(), ...openRuns(world)].some((other) => {
    if (idOf(other) === id) return false;
    const app = world.get('app', other.appId).state;
    return app.status === 'none' || app.teamId === teamId;
  });
  if (isNeeded) return;
  const name = networkName(config, teamId);
  bench.tasks.run('engine', `network:${name}`, () => bench.engine.removeNetwork(name));
};
