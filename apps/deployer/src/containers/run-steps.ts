import type { KnownRun } from '@shiplog/domain';
import { KeyMissingError } from '@shiplog/secrets';
import { fault } from '../faults.js';
import { EngineError, type Container } from './container-engine.port.js';
import { runSpec } from './container-spec.js';
import { removeNetworkOfDestroyed } from './fact-steps.js';
import { decryptConfig, imageOf } from './instance-parts.js';
import type { Action } from './actions.js';
import { readRunLines } from './read-last-lines.js';
import type { Workbench } from './workbench.js';
import { mountsOfRuns } from '../volumes/mount-volumes.js';

type ActionOf<T extends Action['type']> = Extract<Action, { type: T }>;

/** So often the engine may refuse a command before it counts as not to be run; the last wait is half a minute. */
const REFUSALS_MAX = 7;

const openRun = (bench: Workbench, runId: string): KnownRun | undefined => {
  const run = bench.context.world.run(runId);
  return run === undefined || run.status === 'ended' ? undefined : run;
};

/** The id is appended before anything is created: what exists is always known by name. */
export const scheduleRun = async (
  bench: Workbench,
  action: ActionOf<'schedule-run' | 'skip-run'>,
): Promise<void> => {
  const { type: _type, ...data } = action;
  const { nodeId } = bench.context.config;
  const run = { ...data, command: [...data.command], nodeId, detached: true };
  const of = { id: action.runId, appId: action.appId };
  fault('before-schedule-run');
  if ('cause' in run) {
    await bench.record('run', of, { type: 'SkipRun', ...run });
    bench.context.logger.info({ ...of, cause: run.cause }, 'run-skipped');
  } else {
    await bench.record('run', of, { type: 'ScheduleRun', ...run });
  }
  fault('after-schedule-run');
};

/** Creates its container, starts it and records that. Met again after any crash in between. */
export const createRun = async (
  bench: Workbench,
  action: ActionOf<'create-run'>,
  leave: () => void,
): Promise<void> => {
  const run = openRun(bench, action.runId);
  if (run === undefined || run.status !== 'scheduled' || run.command === null) return;
  const { command } = run;
  await guarded(bench, run, async () => {
    const spec = await specOfRun(bench, run, command);
    fault('before-create-run');
    const containerId = await bench.engine.create(spec);
    fault('after-create-run');
    await startAndRecord(bench, run, containerId, leave);
  });
};

export const startRun = async (
  bench: Workbench,
  action: ActionOf<'start-run'>,
  leave: () => void,
): Promise<void> => {
  const run = openRun(bench, action.runId);
  if (run?.status !== 'scheduled') return;
  await guarded(bench, run, () => startAndRecord(bench, run, action.containerId, leave));
};

/** It may have run to its end already: then it is not started, but told of. */
const startAndRecord = async (
  bench: Workbench,
  run: KnownRun,
  containerId: string,
  leave: () => void,
): Promise<void> => {
  const before = await bench.view.look(containerId);
  if (before?.startedAt == null) {
    fault('before-start-run');
    await bench.engine.start(containerId);
    fault('after-start-run');
  }
  leave();
  const container = await bench.view.look(containerId);
  if (container?.startedAt == null) return;
  const { runId, appId } = run;
  const { startedAt } = container;
  await recordRunStarted(bench, {
    type: 'record-run-started',
    appId,
    runId,
    containerId,
    startedAt,
  });
};

export const recordRunStarted = async (
  bench: Workbench,
  { runId, appId, containerId, startedAt }: ActionOf<'record-run-started'>,
): Promise<void> => {
  fault('before-record-run-started');
  await bench.record(
    'run',
    { id: runId, appId },
    { type: 'RecordRunStarted', containerId, startedAt },
  );
  fault('after-record-run-started');
};

export const stopRun = async (
  bench: Workbench,
  { runId, appId, cause }: ActionOf<'stop-run'>,
): Promise<void> => {
  fault('before-stop-run');
  await bench.record('run', { id: runId, appId }, { type: 'StopRun', cause });
  fault('after-stop-run');
};

/** With its exit code and the last lines it wrote: they outlive its container. */
export const endRun = async (bench: Workbench, action: ActionOf<'end-run'>): Promise<void> => {
  const { runId, appId, outcome } = action;
  const run = openRun(bench, runId);
  if (run === undefined) return;
  const container = bench.view.containers.get(runId);
  const logLines = container === undefined ? [] : await readRunLines(bench, run, container);
  const exit = exitOf(bench, action, container);
  // It never ran: there is no log in it that anybody could want to read.
  if (container?.status === 'created') await bench.engine.remove(container.id);
  fault('before-record-run-ended');
  await bench.record(
    'run',
    { id: runId, appId },
    { type: 'EndRun', ...exit, cause: null, detail: null, logLines },
  );
  fault('after-record-run-ended');
  bench.context.logger.info({ runId, appId, exitCode: exit.exitCode, outcome }, 'run-ended');
  removeNetworkOfDestroyed(bench, appId, runId);
};

/** As the engine shows it, or as it was noticed where an inspection came too late. */
const exitOf = (
  bench: Workbench,
  { containerId, outcome }: ActionOf<'end-run'>,
  container: Container | undefined,
) => {
  const noticed = containerId === null ? undefined : bench.view.endOf(containerId);
  const exitCode = container?.exitCode ?? noticed?.exitCode ?? null;
  const oomKilled = [container, noticed].some((seen) => seen?.oomKilled === true);
  const ended = exitCode === 0 ? ('succeeded' as const) : ('failed' as const);
  return {
    outcome: outcome === 'lost' ? ('lost' as const) : ended,
    exitCode,
    oomKilled,
    endedAt: container?.finishedAt ?? null,
  };
};

const specOfRun = async (bench: Workbench, run: KnownRun, command: readonly string[]) => {
  const { world, config } = bench.context;
  const app = world.app(run.appId);
  const release =
    app?.releases.find(({ version }) => version === run.version) ??
    world.liveOf(run.appId)?.release;
  if (app === undefined || release === undefined) {
    throw new EngineError('image-missing', 'running a command', `release v${run.version} is gone`);
  }
  const image = imageOf(world, release);
  return runSpec({
    mounts: await mountsOfRuns(bench, { app, imageId: image.id }),
    platform: config,
    app,
    release,
    image,
    config: await decryptConfig(bench.keyring, app, release),
    runId: run.runId,
    command,
    env: run.job === null ? {} : { SHIPLOG_CRON_JOB: run.job },
    isDetached: true,
    process: run.kind === 'release' ? 'release' : (run.job ?? 'run'),
  });
};

/** What the engine refuses is tried again for a minute; then the run ends with what it said. */
const guarded = async (
  bench: Workbench,
  run: KnownRun,
  work: () => Promise<void>,
): Promise<void> => {
  const { runId, appId } = run;
  try {
    await work();
  } catch (error) {
    if (error instanceof KeyMissingError) {
      return refused(bench, run, { code: error.code, said: error.message });
    }
    if (!(error instanceof EngineError) || error.isUnknown) throw error;
    const { code, said } = error;
    bench.context.logger.warn({ runId, appId, code, said }, 'engine-refused');
    if (code === 'volume-missing') bench.volumeMissed();
    bench.view.relist();
    const isHopeless = !error.retryable || bench.notes.of(runId).failures + 1 >= REFUSALS_MAX;
    if (isHopeless) return refused(bench, run, { code, said });
    bench.notes.failed(runId, { code, said }, { nowMs: bench.nowMs(), isHopeless: false });
  }
};

const refused = async (
  bench: Workbench,
  { runId, appId }: KnownRun,
  { code, said }: { code: string; said: string },
): Promise<void> => {
  await bench.record(
    'run',
    { id: runId, appId },
    {
      type: 'EndRun',
      outcome: 'refused',
      exitCode: null,
      oomKilled: false,
      cause: code,
      detail: said.slice(0, 2000),
      endedAt: null,
      logLines: [],
    },
  );
};
