import type { BuildCommand } from '@shiplog/domain';
import type { Explanation } from '@shiplog/events';
import { describeError, faultPoint, onOwnAccount, type ProcessContext } from '@shiplog/runtime';
import { removeContainers } from '../engine/images.js';
import { isCacheOf } from './build-cache.js';
import { buildImage } from './build-image.js';
import { cacheTag, type BuildJob, type BuildResult } from './build-job.js';
import type { BuildOutput, BuildOutputs } from './build-output.js';
import type { BuilderParts } from './build-task.js';
import type { DesiredBuild } from './desired-builds.js';
import { explainBuild, explainFault } from './explain.js';
import { LeftoverRecord } from './leftovers.js';
import { BuildInterrupted, EngineUnavailableError } from './problems.js';
import type { RunningBuilds } from './plan.js';

interface BuildRunnerParts extends Omit<BuilderParts, 'isBuilding'> {
  readonly context: ProcessContext;
  readonly outputs: BuildOutputs;
  /** Where notes about unfinished builds lie. */
  readonly directory: string;
  /** Called when a build has ended here. */
  readonly onEnd: () => void;
  readonly now: () => number;
  /** How long a build waits for an engine that does not answer before it fails for that reason. */
  readonly engineWaitMs: number;
}

const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 15_000;
/** Whoever pushed waits: what goes wrong in the same unknown way this often is not tried for ever. */
export const ATTEMPTS_MAX = 3;

interface Running {
  readonly job: BuildJob;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}
interface Setback {
  readonly count: number;
  /** Of these, how often it was for a reason that nobody knows: waiting for the engine is none. */
  readonly faults: number;
  readonly since: number;
  readonly notBefore: number;
}

/** Carries builds out, beside the loop that decides about them, and records what came of each. */
export class BuildRunner {
  private readonly builds = new Map<string, Running>();
  private readonly setbacks = new Map<string, Setback>();

  constructor(private readonly parts: BuildRunnerParts) {}

  observe(): RunningBuilds {
    const notBefore = [...this.setbacks].map(([id, setback]) => [id, setback.notBefore] as const);
    return { running: new Set(this.builds.keys()), notBefore: new Map(notBefore) };
  }

  start(build: DesiredBuild): void {
    const { buildId } = build.job;
    if (this.builds.has(buildId)) return;
    const abort = new AbortController();
    const ended = this.run(build, abort.signal)
      .then(() => this.setbacks.delete(buildId))
      .catch((error: unknown) => this.noteSetback(buildId, error))
      .then(() => {
        this.builds.delete(buildId);
        this.parts.onEnd();
      });
    this.builds.set(buildId, { job: build.job, abort, ended });
  }

  interrupt(buildId: string, cause: 'cancelled' | 'stopping'): void {
    this.builds.get(buildId)?.abort.abort(new BuildInterrupted(cause));
  }

  async recordCancelled(build: DesiredBuild): Promise<void> {
    await this.record(build, startOf(build.job));
    await this.removeLeftovers(build.job);
    await this.record(build, { type: 'CancelBuild' });
  }

  /** Ends what runs without saying anything about it: the next start takes it up again. */
  async stop(): Promise<void> {
    for (const buildId of this.builds.keys()) this.interrupt(buildId, 'stopping');
    await Promise.all([...this.builds.values()].map(({ ended }) => ended));
  }

  private async run(build: DesiredBuild, cancelled: AbortSignal): Promise<void> {
    const { context, outputs, now } = this.parts;
    const { job } = build;
    const wasRunning = context.world.get('build', job.buildId).state.status === 'running';
    faultPoint('builder/before-start');
    if (!(await this.record(build, startOf(job)))) return;
    faultPoint('builder/after-start');
    context.logger.info({ build: job.buildId, app: job.appId }, 'build-started');

    const startedAt = now();
    const output = await outputs.start(job.buildId);
    try {
      if (wasRunning) output.line('(the builder was interrupted: the build starts again)');
      const end = await this.endOf(build, output, cancelled, startedAt);
      await output.flush();
      faultPoint('builder/before-recorded');
      await this.record(build, end);
      faultPoint('builder/after-recorded');
      context.logger.info({ build: job.buildId, app: job.appId, outcome: end.type }, 'build-ended');
    } finally {
      await output.close();
    }
  }

  /** Builds, and says it in the words of the log. Throws when nothing can be said yet. */
  private async endOf(
    build: DesiredBuild,
    output: BuildOutput,
    cancelled: AbortSignal,
    startedAt: number,
  ): Promise<BuildCommand> {
    try {
      await this.removeLeftovers(build.job);
      const result = await this.build(build.job, output, cancelled);
      // Asked for in the last moment, it is still true: no release is made of it.
      if (await this.isCancelled(build)) return { type: 'CancelBuild' };
      const durationMs = Math.max(0, Math.round(this.parts.now() - startedAt));
      return { type: 'SucceedBuild', ...result, durationMs };
    } catch (error) {
      if (error instanceof BuildInterrupted && error.cause === 'cancelled') {
        output.line('Cancelled.');
        return { type: 'CancelBuild' };
      }
      if (error instanceof EngineUnavailableError && !this.hasWaitedLongEnough(build)) throw error;
      await output.flush();
      const explanation = this.explain(build, error, output);
      output.line(explanation.summary);
      return { type: 'FailBuild', explanation };
    }
  }

  /** Throws what may be gone at the next attempt. */
  private explain({ job }: DesiredBuild, error: unknown, output: BuildOutput): Explanation {
    const known = explainBuild(error, output.tail(), this.parts.limits);
    if (known !== undefined) return known;
    const attempts = (this.setbacks.get(job.buildId)?.faults ?? 0) + 1;
    if (error instanceof BuildInterrupted || attempts < ATTEMPTS_MAX) throw error;
    const { logger } = this.parts.context;
    logger.error({ build: job.buildId, error: describeError(error) }, 'build-given-up');
    return explainFault(error, output.tail());
  }

  /** Also makes an image again that was built before. */
  async build(job: BuildJob, output: BuildOutput, cancelled: AbortSignal): Promise<BuildResult> {
    const leftovers = LeftoverRecord.of(this.parts.directory, job.buildId);
    const timeLimit = AbortSignal.timeout(this.parts.limits.timeMs);
    const signal = AbortSignal.any([cancelled, timeLimit]);
    try {
      return await buildImage({
        parts: { ...this.parts, isBuilding: (tag) => this.isBuilding(tag) },
        job,
        output,
        leftovers,
        signal,
      });
    } catch (error) {
      // What a call that was cut off threw says less than why it was.
      if (cancelled.aborted && cancelled.reason instanceof BuildInterrupted) throw cancelled.reason;
      if (timeLimit.aborted) throw new BuildInterrupted('timed-out');
      throw error;
    } finally {
      await this.removeLeftovers(job).catch(() => undefined);
    }
  }

  private isBuilding(tag: string): boolean {
    const { platform } = this.parts;
    return [...this.builds.values()].some(({ job }) => isCacheOf(tag, cacheTag(platform, job)));
  }

  private async isCancelled({ job }: DesiredBuild): Promise<boolean> {
    const { feed, world } = this.parts.context;
    await feed.catchUp();
    return world.app(job.appId)?.builds[job.buildId]?.cancelRequested ?? true;
  }

  private async removeLeftovers(job: BuildJob): Promise<void> {
    const record = LeftoverRecord.of(this.parts.directory, job.buildId);
    await removeContainers(this.parts.engine, await record.read());
    await record.forget();
  }

  /** False when the log has it that the build ended before. */
  private async record({ job, cause }: DesiredBuild, command: BuildCommand): Promise<boolean> {
    const { context } = this.parts;
    const result = await context.commands.handle(
      'build',
      job.buildId,
      command,
      onOwnAccount(context, cause),
    );
    return result.outcome === 'accepted';
  }

  private hasWaitedLongEnough({ job }: DesiredBuild): boolean {
    const setback = this.setbacks.get(job.buildId);
    return setback !== undefined && this.parts.now() - setback.since >= this.parts.engineWaitMs;
  }

  private noteSetback(buildId: string, error: unknown): void {
    if (error instanceof BuildInterrupted && error.cause === 'stopping') return;
    const now = this.parts.now();
    const before = this.setbacks.get(buildId);
    const count = (before?.count ?? 0) + 1;
    const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (count - 1));
    const isFault = !(error instanceof BuildInterrupted || error instanceof EngineUnavailableError);
    this.setbacks.set(buildId, {
      count,
      faults: (before?.faults ?? 0) + (isFault ? 1 : 0),
      since: before?.since ?? now,
      notBefore: now + waitMs,
    });
    this.parts.context.logger.warn(
      { build: buildId, error: describeError(error), retryInMs: waitMs },
      'build-set-back',
    );
  }
}

const startOf = ({ buildId, appId, source }: BuildJob): BuildCommand => ({
  type: 'StartBuild',
  buildId,
  appId,
  sourceDigest: source.kind === 'archive' ? source.digest : null,
});
