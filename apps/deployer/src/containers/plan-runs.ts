import type { KnownRun } from '@shiplog/domain';
import { releaseRunIdOf } from '@shiplog/domain';
import type { RunStopCause } from '@shiplog/events';
import type { Container } from './container-engine.port.js';
import type { Action, Plan, PlanInput } from './actions.js';
import type { CronDue, DesiredApp } from './desired.js';
import { releasePhaseOf } from './release-phase.js';

/** Due longer ago than this, it was missed: nobody was there to start it. */
export const LATE_MS = 60_000;
/** Runs of one job at the same time, whatever its overlap policy. */
const OVERLAP_MAX = 10;

/**
 * One-off commands: which are to be started (a release command, due cron jobs), and the next step of every
 * one that is open. None is started twice: its id stands in the log before its container exists, and a
 * container that ran is never started again.
 */
export const planRuns = (input: PlanInput): Plan => {
  const steps = [
    ...releaseCommand(input),
    ...(input.dues?.due ?? []).map((due): Step => ({ action: planDue(due, input) })),
    ...input.app.runs.filter((run) => run.status !== 'ended').map((run) => planRun(run, input)),
  ];
  const times = [...steps.flatMap(({ atMs }) => atMs ?? []), ...(input.dues?.nextAtMs ?? [])];
  return {
    actions: steps.flatMap(({ action }) => action ?? []),
    nextAtMs: times.length === 0 ? null : Math.min(...times),
  };
};

interface Step {
  readonly action?: Action | null;
  readonly atMs?: number | null;
}

const openRuns = (app: DesiredApp): readonly KnownRun[] =>
  app.runs.filter(({ status }) => status !== 'ended');

/** Once the rollout has begun, and not beside the command of another release. */
const releaseCommand = ({ app }: PlanInput): readonly Step[] => {
  const { target } = app;
  const command = target?.rollout.releaseCommand ?? null;
  if (target === null || command === null || releasePhaseOf(app) !== 'due') return [];
  const { rollout, version } = target;
  const isOtherOpen = openRuns(app).some(({ kind }) => kind === 'release');
  if (rollout.deadlineMs === null || rollout.isCancelAsked || isOtherOpen) return [];
  return [
    {
      action: {
        type: 'schedule-run',
        appId: app.appId,
        runId: releaseRunIdOf(rollout.rolloutId),
        kind: 'release',
        version,
        command,
        rolloutId: rollout.rolloutId,
        job: null,
        scheduledFor: null,
        missed: 0,
        timeoutSeconds: app.settings.rolloutTimeoutSeconds,
      },
    },
  ];
};

const planDue = (
  { job, definition, ...due }: CronDue,
  { app, nowMs }: PlanInput,
): Action | null => {
  if (app.status !== 'active' || app.live === null) return null;
  const run = {
    appId: app.appId,
    runId: due.runId,
    kind: 'cron',
    version: app.live.version,
    command: definition.command,
    rolloutId: null,
    job,
    scheduledFor: new Date(due.dueMs).toISOString(),
    missed: due.earlier,
    timeoutSeconds: definition.timeoutSeconds,
  } as const;
  if (nowMs - due.dueMs > LATE_MS && definition.missed === 'skip') {
    const detail = `nobody was there to start it; ${due.earlier + 1} due time${due.earlier === 0 ? '' : 's'} passed`;
    return { type: 'skip-run', ...run, cause: 'missed', detail };
  }
  const open = openRuns(app).filter((other) => other.job === job);
  const most = { allow: OVERLAP_MAX, forbid: 1, replace: OVERLAP_MAX }[definition.overlap];
  if (open.length >= most) {
    const detail = `${open.map(({ runId }) => runId).join(', ')} still ran`.slice(0, 2000);
    return { type: 'skip-run', ...run, cause: 'overlap', detail };
  }
  return { type: 'schedule-run', ...run };
};

const planRun = (run: KnownRun, input: PlanInput): Step => {
  const { runId, appId } = run;
  if (input.busy.has(runId)) return {};
  const cause = run.status === 'stopping' ? null : stopCauseOf(run, input);
  if (cause !== null) return { action: { type: 'stop-run', appId, runId, cause } };
  const container = input.containers.get(runId);
  return container === undefined
    ? withoutContainer(run, input)
    : withContainer(run, container, input);
};

/** Why it must not go on; null while it may. */
const stopCauseOf = (run: KnownRun, { app, nowMs }: PlanInput): RunStopCause | null => {
  if (app.status === 'destroyed') return 'app-destroyed';
  const deadlineMs = deadlineOf(run);
  if (deadlineMs !== null && nowMs >= deadlineMs) return 'deadline';
  if (run.kind === 'release') return isAwaited(run, app) ? null : 'deploy-ended';
  // Nobody of this process is joined with it, or it would be busy.
  if (!run.detached) return 'abandoned';
  return isReplaced(run, app) ? 'replaced' : null;
};

/** Its deploy goes on and waits for it. */
const isAwaited = ({ rolloutId }: KnownRun, { target, status }: DesiredApp): boolean => {
  if (status === 'unknown') return true;
  return target?.rollout.rolloutId === rolloutId && !target.rollout.isCancelAsked;
};

const deadlineOf = ({ startedAt, timeoutSeconds }: KnownRun): number | null =>
  startedAt === null || timeoutSeconds === null
    ? null
    : Date.parse(startedAt) + timeoutSeconds * 1000;

const isReplaced = (run: KnownRun, app: DesiredApp): boolean =>
  run.job !== null &&
  app.cronJobs[run.job]?.overlap === 'replace' &&
  app.runs.some((other) => other.job === run.job && isNewer(other, run));

const isNewer = (a: KnownRun, b: KnownRun): boolean =>
  a.scheduledFor !== null &&
  b.scheduledFor !== null &&
  a.scheduledFor > b.scheduledFor &&
  a.end?.outcome !== 'skipped';

const withoutContainer = (run: KnownRun, input: PlanInput): Step => {
  const { runId, appId, status } = run;
  const lost: Step = {
    action: { type: 'end-run', appId, runId, containerId: null, outcome: 'lost' },
  };
  // A command that was typed is not in the log: only the process that was asked for it can start it.
  if (status !== 'scheduled' || run.command === null) return lost;
  // One that replaces another waits until that one ended.
  if (openRuns(input.app).some((other) => isReplacedBy(other, run, input.app))) return {};
  return notBefore(input, run, { type: 'create-run', appId, runId });
};

const isReplacedBy = (other: KnownRun, run: KnownRun, app: DesiredApp): boolean =>
  other.job === run.job && isNewer(run, other) && isReplaced(other, app);

const withContainer = (run: KnownRun, container: Container, input: PlanInput): Step => {
  const { runId, appId } = run;
  const of = { appId, runId, containerId: container.id };
  const ended: Step = { action: { type: 'end-run', ...of, outcome: 'exited' } };
  const lost: Step = { action: { type: 'end-run', ...of, outcome: 'lost' } };
  if (container.status === 'dead') return lost;
  if (container.status === 'removing') return {};
  if (container.startedAt === null) {
    const isStarted = run.status === 'scheduled' && run.command !== null;
    return isStarted ? notBefore(input, run, { type: 'start-run', ...of }) : lost;
  }
  if (run.containerId === null) {
    const { startedAt } = container;
    return { action: { type: 'record-run-started', ...of, startedAt } };
  }
  if (container.status === 'exited') return ended;
  if (run.status !== 'stopping') return { atMs: deadlineOf(run) };
  const { graceSeconds } = input.app.settings;
  return {
    action: { type: 'stop', appId, instanceId: runId, containerId: container.id, graceSeconds },
  };
};

const notBefore = (input: PlanInput, { runId }: KnownRun, action: Action): Step => {
  const atMs = input.notes.get(runId)?.notBeforeMs ?? 0;
  return input.nowMs < atMs ? { atMs } : { action };
};
