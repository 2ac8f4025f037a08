import type { ActiveApp, InstanceCommand, KnownInstance } from '@shiplog/domain';
import type { PlatformConfig } from '@shiplog/runtime';
import { KeyMissingError } from '@shiplog/secrets';
import { fault } from '../faults.js';
import { startUpOf } from '../health/start-up.js';
import { probeUntilReady, type ProbeTarget } from '../probes/probe.js';
import { EngineError, type EngineErrorCode } from './container-engine.port.js';
import { instanceSpec } from './container-spec.js';
import { decryptConfig, imageOf, releaseOf } from './instance-parts.js';
import type { Action } from './actions.js';
import { ROUTED_PROCESS } from './serving.js';
import type { Workbench } from './workbench.js';
import { mountsOfProcess } from '../volumes/mount-volumes.js';

type ActionOf<T extends Action['type']> = Extract<Action, { type: T }>;

/** Engine answers of other kinds that repeat this often will not change by themselves. */
const REFUSALS_MAX = 3;

/**
 * A container that ran before and is refused this often (it takes a minute, longer than a daemon takes
 * to end) never runs again, as after a crash of the daemon: another instance takes its place.
 */
const START_REFUSALS_MAX = 8;

/** What an instance was promised when it was scheduled, and cannot have. */
const LOST_PLACES: ReadonlySet<EngineErrorCode> = new Set([
  'port-taken',
  'address-taken',
  'name-taken',
  'network-missing',
]);

/** The instance while it is wanted. */
const known = (bench: Workbench, instanceId: string): KnownInstance | undefined => {
  const { state } = bench.context.world.get('instance', instanceId);
  return ['none', 'retired', 'stopped'].includes(state.status)
    ? undefined
    : (state as KnownInstance);
};

/**
 * Creates the container, starts it and records both. Met again after any crash in between. `leave` ends
 * what the engine is busy with; looking and recording come after it.
 */
export const create = async (
  bench: Workbench,
  action: ActionOf<'create'>,
  leave: () => void,
): Promise<void> => {
  const instance = known(bench, action.instanceId);
  const { world, config } = bench.context;
  const app = world.app(action.appId);
  const release = instance && releaseOf(world, instance);
  if (instance === undefined || app === undefined || release === undefined) return;
  await guarded(bench, instance, async () => {
    const image = imageOf(world, release);
    const pullIfMissing = (error: unknown): never => {
      const isMissing = error instanceof EngineError && error.code === 'image-missing';
      if (isMissing && image.repoDigest !== null) pull(bench, instance, image.repoDigest);
      throw error;
    };
    const mounts = await mountsOfProcess(bench, { app, imageId: image.id }, instance.process).catch(
      pullIfMissing,
    );
    const spec = instanceSpec({
      mounts,
      platform: config,
      app,
      release,
      image,
      instance,
      config: await decryptConfig(bench.keyring, app, release),
    });
    fault('before-create');
    const containerId = await bench.engine.create(spec).catch(pullIfMissing);
    fault('after-create');
    await startAndRecord(bench, instance, containerId, leave);
  });
};

export const start = async (
  bench: Workbench,
  action: ActionOf<'start'>,
  leave: () => void,
): Promise<void> => {
  const instance = known(bench, action.instanceId);
  if (instance === undefined) return;
  await guarded(bench, instance, () => startAndRecord(bench, instance, action.containerId, leave));
};

const startAndRecord = async (
  bench: Workbench,
  instance: KnownInstance,
  containerId: string,
  leave: () => void,
): Promise<void> => {
  fault('before-start');
  await bench.engine.start(containerId);
  fault('after-start');
  leave();
  bench.notes.started(instance.instanceId);
  const container = await bench.view.look(containerId);
  if (container?.startedAt == null || container.startedAt === instance.startedAt) return;
  fault('before-record-started');
  await bench.record(
    'instance',
    { id: instance.instanceId, appId: instance.appId },
    {
      type: 'RecordStarted',
      containerId,
      restarts: instance.containerId === null ? 0 : instance.restarts + 1,
      startedAt: container.startedAt,
    },
  );
  fault('after-record-started');
};

/**
 * What the engine refuses, or hangs at, is noted for the plan and the explanation; that it is not there is not. What it
 * hung at may be done by now, or never: the list tells, and a repetition meets what is there.
 */
const guarded = async (
  bench: Workbench,
  instance: KnownInstance,
  work: () => Promise<void>,
): Promise<void> => {
  const { instanceId, appId } = instance;
  const nowMs = bench.nowMs();
  try {
    await work();
  } catch (error) {
    if (error instanceof KeyMissingError) {
      bench.notes.failed(
        instanceId,
        { code: error.code, said: error.message },
        { nowMs, isHopeless: true },
      );
      return;
    }
    if (!(error instanceof EngineError) || error.code === 'engine-unreachable') throw error;
    const { code, said } = error;
    bench.context.logger.warn({ instanceId, appId, code, said }, 'engine-refused');
    if (code === 'volume-missing') bench.volumeMissed();
    const refusals = bench.notes.of(instanceId).failures + 1;
    // What the engine hangs at may run by now.
    const mayRun = code === 'no-answer';
    if (mayRun) bench.view.doubt(instanceId);
    if (LOST_PLACES.has(code) || (!mayRun && isBroken(bench, instance, refusals))) {
      return await giveUp(bench, instance, error);
    }
    const isHopeless = !error.retryable || (code === 'engine-refused' && refusals >= REFUSALS_MAX);
    bench.notes.failed(instanceId, { code, said }, { nowMs, isHopeless });
    bench.view.relist();
  }
};

/** In a rollout the refusals fail the rollout instead. */
const isBroken = (bench: Workbench, instance: KnownInstance, refusals: number): boolean =>
  refusals >= START_REFUSALS_MAX &&
  instance.containerId !== null &&
  bench.context.world.liveOf(instance.appId)?.generation === instance.generation;

/** What it was promised it cannot have, or it never runs again. The record of an instance never changes, so another one takes its place. */
const giveUp = async (
  bench: Workbench,
  { instanceId, appId, port }: KnownInstance,
  { code, said }: EngineError,
): Promise<void> => {
  if (code === 'port-taken' && port !== null) bench.ports.refuse(port);
  bench.notes.lost(appId, { code, said }, bench.nowMs());
  bench.view.relist();
  await bench.record(
    'instance',
    { id: instanceId, appId },
    { type: 'RetireInstance', reason: 'lost' },
  );
};

/** Gets an image again from where it came from; what waits for it is tried again as soon as it is there. */
const pull = (bench: Workbench, { instanceId, appId }: KnownInstance, repoDigest: string): void => {
  bench.tasks.run('pull', `pull:${repoDigest}`, async () => {
    try {
      await bench.engine.pull(repoDigest);
      for (const waiting of bench.context.world.instancesOf(appId)) {
        bench.notes.retryNow(waiting.instanceId);
      }
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      bench.notes.failed(
        instanceId,
        { code: error.code, said: error.said },
        { nowMs: bench.nowMs(), isHopeless: false },
      );
    }
    bench.nudge(appId);
  });
};

export const keepRunning = async (
  bench: Workbench,
  action: ActionOf<'keep-running'>,
): Promise<void> => {
  fault('before-keep-running');
  await bench.engine.setRestartPolicy(action.containerId, 'unless-stopped');
  fault('after-keep-running');
  bench.view.assume(action.containerId, { restartPolicy: 'unless-stopped' });
};

export const stop = async (bench: Workbench, action: ActionOf<'stop'>): Promise<void> => {
  const { instanceId, containerId, graceSeconds } = action;
  const beganMs = bench.nowMs();
  fault('before-stop');
  await bench.engine.stop(containerId, graceSeconds);
  fault('after-stop');
  const container = await bench.view.look(containerId);
  const tookMs = bench.nowMs() - beganMs;
  // 137 after the whole grace period: SIGTERM was not enough.
  if (container?.exitCode === 137 && tookMs >= graceSeconds * 1000) bench.notes.killed(instanceId);
};

/** Asks until the instance is ready, and records it. */
export const probe = async (bench: Workbench, action: ActionOf<'probe'>): Promise<void> => {
  const { instanceId, appId, containerId } = action;
  const { world, config } = bench.context;
  const container = bench.view.containers.get(instanceId);
  const instance = known(bench, instanceId);
  const app = world.app(appId);
  if (container?.startedAt == null || instance === undefined || app === undefined) return;
  const isWanted = (): boolean => {
    const now = bench.view.containers.get(instanceId);
    const isSameRun = now?.status === 'running' && now.startedAt === container.startedAt;
    return isSameRun && known(bench, instanceId)?.status === 'starting';
  };
  const web = webOf(instance, app, config);
  const startUp = startUpOf(
    app,
    instance.process,
    { containerId, web: web && { ...web, isPublished: true } },
    bench.askCheck,
  );
  const isReady = await probeUntilReady(
    {
      container,
      startedAtMs: Date.parse(container.startedAt),
      web,
    },
    {
      ask: startUp.isDefault ? bench.ask : null,
      then: startUp.questions,
      isWanted,
      onAnswer: ({ got }) => bench.notes.probed(instanceId, got),
      askedNow: () => bench.tasks.runningIn('probe'),
      nowMs: () => bench.nowMs(),
      sleep: bench.sleep,
      signal: bench.abort.signal,
    },
  );
  if (!isReady || bench.abort.signal.aborted) return;
  const ready = { ...(await readyBy(bench, instance)), passed: startUp.passed };
  // It may have ended and begun anew meanwhile: that run was not asked yet.
  if (!isWanted()) return;
  fault('before-record-ready');
  await bench.record('instance', { id: instanceId, appId }, ready);
  fault('after-record-ready');
  bench.notes.ready(appId);
  bench.context.logger.info({ appId, instanceId, containerId }, 'instance-ready');
};

/** Where it is asked; null for a process that is not reached over the network. */
const webOf = (
  { process, port, containerPort, address, protocol }: KnownInstance,
  app: ActiveApp,
  { instanceHost, domain }: PlatformConfig,
): ProbeTarget['web'] =>
  port === null || containerPort === null
    ? null
    : {
        host: instanceHost,
        port,
        containerPort,
        address: address ?? null,
        healthPath: process === ROUTED_PROCESS ? app.settings.healthPath : null,
        virtualHost: `${app.name}.${domain}`,
        protocol,
      };

const readyBy = async (
  bench: Workbench,
  { address, containerPort }: KnownInstance,
): Promise<Extract<InstanceCommand, { type: 'RecordReady' }>> =>
  address == null || containerPort === null
    ? { type: 'RecordReady' }
    : { type: 'RecordReady', reach: await bench.findReach(address, containerPort) };
