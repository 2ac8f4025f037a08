import { AT_ONCE, checkName, setCheck, type KnownInstance } from '@shiplog/domain';
import type { Explanation, RolloutStrategy } from '@shiplog/events';
import {
  explainCrash,
  explainImageLost,
  explainNoPlace,
  explainNotCreated,
  explainNotReady,
  explainNotRouted,
  type Evidence,
} from '../explain.js';
import { explainCanary } from '../explain-canary.js';
import { explainReleaseRun } from './explain-release-command.js';
import { readListening } from '../probes/listening.js';
import { EngineError, type Container } from './container-engine.port.js';
import { desiredApp } from './desired.js';
import type { Failure } from './actions.js';
import type { Trouble } from './notes.js';
import { readLastLines, redactorOf } from './read-last-lines.js';
import type { Workbench } from './workbench.js';

/** Puts together what is known of a failed rollout, and says it in the order in which a person asks. */
export const explainFailure = async (
  bench: Workbench,
  appId: string,
  failure: Failure,
): Promise<Explanation> => {
  const { settings } = desiredApp(bench.context.world, appId);
  if (failure.kind === 'release-command') {
    return explainReleaseRun(bench, failure.runId, settings.rolloutTimeoutSeconds);
  }
  if (failure.kind === 'image-lost') return explainImageLost(failure.said);
  if (failure.kind === 'worse' || failure.kind === 'undecided') {
    return explainCanary(failure, strategyOfApp(bench, appId));
  }
  const trouble = bench.notes.lossOf(appId);
  if (isWithoutPlace(failure, trouble)) {
    return explainNoPlace(trouble, settings.rolloutTimeoutSeconds);
  }
  const evidence =
    failure.instanceId === null ? undefined : await gather(bench, failure.instanceId);
  if (evidence === undefined) return explainNotRouted(settings.rolloutTimeoutSeconds);
  switch (failure.kind) {
    case 'crashed':
      return explainCrash(evidence);
    case 'not-created':
      return explainNotCreated(evidence);
    case 'not-ready':
      return explainNotReady(evidence, failure.afterSeconds);
    case 'deadline':
      if (failure.isReady) return explainNotRouted(settings.rolloutTimeoutSeconds);
      return explainDeadline(bench, failure.instanceId, {
        evidence,
        seconds: settings.rolloutTimeoutSeconds,
      });
  }
};

const explainDeadline = (
  bench: Workbench,
  instanceId: string | null,
  { evidence, seconds }: { readonly evidence: Evidence; readonly seconds: number },
): Explanation => {
  if (evidence.trouble !== null) return explainNotCreated(evidence);
  // It may have crashed before and run now, without becoming ready.
  return bench.context.world.get('instance', instanceId ?? '').state.status === 'exited'
    ? explainCrash(evidence)
    : explainNotReady(evidence, seconds);
};

const strategyOfApp = (bench: Workbench, appId: string): RolloutStrategy =>
  desiredApp(bench.context.world, appId).target?.rollout.strategy ?? AT_ONCE;

/** Nobody waits, and not because all are ready: some were never made. */
const isWithoutPlace = (failure: Failure, trouble: Trouble | null): boolean =>
  failure.kind === 'deadline' &&
  failure.instanceId === null &&
  (!failure.isReady || trouble !== null);

/** The check that keeps it from being ready, where it is not the one that everybody has. */
const failedCheckOf = (
  bench: Workbench,
  { appId, process, status }: KnownInstance,
): string | null => {
  const app = bench.context.world.app(appId);
  if (app === undefined) return null;
  const probes =
    status === 'unready' ? (['readiness'] as const) : (['startup', 'readiness'] as const);
  const set = probes.flatMap((probe) => setCheck(app.checks, process, probe) ?? []);
  const [first] = set.filter(({ kind }) => kind !== 'none');
  return first === undefined ? null : checkName(first);
};

const gather = async (bench: Workbench, instanceId: string): Promise<Evidence | undefined> => {
  const { state } = bench.context.world.get('instance', instanceId);
  if (state.status === 'none') return undefined;
  const instance: KnownInstance = state;
  const { settings, limits } = desiredApp(bench.context.world, instance.appId);
  const container = bench.view.containers.get(instanceId);
  const note = bench.notes.of(instanceId);
  return {
    instanceId,
    process: instance.process,
    containerPort: instance.containerPort,
    healthPath: settings.healthPath,
    failedCheck: failedCheckOf(bench, instance),
    memoryBytes: (container?.limits ?? limits[instance.process])?.memoryBytes ?? 0,
    exit: instance.lastExit,
    starts: instance.restarts + 1,
    logLines: container === undefined ? [] : await linesInTime(bench, instance, container),
    listening: container === undefined ? undefined : await readListening(container),
    // What it answers may hold what it should keep to itself.
    probe: note.probe === null ? null : (await redactorOf(bench, instance))(note.probe),
    trouble: note.trouble,
  };
};

/** A failure is told when it is one, with what can be had by then. */
const linesInTime = async (
  bench: Workbench,
  instance: KnownInstance,
  container: Container,
): Promise<readonly string[]> => {
  const doing = `reading the log of container ${container.id}`;
  try {
    return await bench.roundCalls.wait(doing, readLastLines(bench, instance, container));
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'no-answer') throw error;
    return [`[the engine cannot read the log: ${error.said}]`];
  }
};
