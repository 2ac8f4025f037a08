import type { BuildCommand } from '@shiplog/domain';
import type { Explanation, Image } from '@shiplog/events';
import { describeError, faultPoint, onOwnAccount, type ProcessContext } from '@shiplog/runtime';
import type Docker from 'dockerode';
import type { BuildOutput, BuildOutputs } from '../builds/build-output.js';
import { ATTEMPTS_MAX, type BuildRunner } from '../builds/build-runner.js';
import { explainBuild, explainFault, type BuildLimits } from '../builds/explain.js';
import { BuildInterrupted, EngineUnavailableError } from '../builds/problems.js';
import { describeImage, listImageIds } from '../engine/images.js';
import { pullImage } from '../engine/pull.js';
import { neededImages, planFound, planRebuilds, type NeededImage } from './plan.js';

interface RebuilderParts {
  readonly context: ProcessContext;
  readonly engine: Docker;
  readonly outputs: BuildOutputs;
  readonly runner: Pick<BuildRunner, 'build'>;
  readonly limits: BuildLimits;
  readonly parallel: number;
  readonly onEnd: () => void;
  readonly now: () => number;
}

/** The engine is asked for its images at most this often: it has to look at all of them. */
const LIST_EVERY_MS = 5_000;
/** What could not be made again may be possible later: a registry comes back, a disk is cleared. */
const RETRY_MS = 5 * 60_000;

/** Makes images again that releases need and the engine has lost. */
export class Rebuilder {
  private readonly running = new Map<string, Promise<void>>();
  private readonly notBefore = new Map<string, number>();
  /** By build: how often making it again failed for a reason that nobody knows. */
  private readonly faults = new Map<string, number>();
  private readonly abort = new AbortController();
  private listedAt = -Infinity;

  constructor(private readonly parts: RebuilderParts) {}

  /** One look. Throws when the engine does not list its images: silence is not absence. */
  async round(): Promise<void> {
    const { context, now } = this.parts;
    if (now() - this.listedAt < LIST_EVERY_MS) return;
    const needed = neededImages(context.world);
    if (needed.length === 0) return;
    this.listedAt = now();
    const present = await listImageIds(this.parts.engine);
    for (const { job, image } of planFound(needed, present)) {
      await this.record(job.buildId, { type: 'RecordRebuiltImage', image });
    }
    const attempts = { running: new Set(this.running.keys()), notBefore: this.notBefore };
    for (const image of planRebuilds(needed, present, attempts, this.parts, now())) {
      this.start(image);
    }
  }

  async stop(): Promise<void> {
    this.abort.abort(new BuildInterrupted('stopping'));
    await Promise.all(this.running.values());
  }

  private start(needed: NeededImage): void {
    const { buildId } = needed.job;
    const ended = this.rebuild(needed)
      .catch((error: unknown) => {
        if (this.abort.signal.aborted) return;
        const { logger } = this.parts.context;
        logger.warn({ build: buildId, error: describeError(error) }, 'image-rebuild-set-back');
        this.notBefore.set(buildId, this.parts.now() + LIST_EVERY_MS);
      })
      .then(() => {
        this.running.delete(buildId);
        this.listedAt = -Infinity;
        this.parts.onEnd();
      });
    this.running.set(buildId, ended);
  }

  private async rebuild(needed: NeededImage): Promise<void> {
    const { context, outputs } = this.parts;
    const { buildId, appId } = needed.job;
    context.logger.info({ build: buildId, app: appId }, 'image-missing');
    const output = await outputs.start(buildId);
    try {
      output.line('(the image is gone from the engine: it is made again)');
      const result = await this.again(needed, output);
      faultPoint('builder/before-rebuilt-recorded');
      if ('lost' in result) {
        output.line(result.lost.summary);
        this.notBefore.set(buildId, this.parts.now() + RETRY_MS);
        await this.record(buildId, { type: 'RecordLostImage', explanation: result.lost });
        return;
      }
      this.notBefore.delete(buildId);
      await this.record(buildId, { type: 'RecordRebuiltImage', image: result.image });
      context.logger.info({ build: buildId, app: appId, image: result.image.id }, 'image-rebuilt');
    } finally {
      await output.close();
    }
  }

  private async again(
    needed: NeededImage,
    output: BuildOutput,
  ): Promise<{ image: Image } | { lost: Explanation }> {
    const { job, image } = needed;
    try {
      if (image.repoDigest !== null) {
        const pulled = await this.pullByDigest(image, image.repoDigest, output);
        if (pulled !== undefined) return { image: pulled };
      }
      return { image: (await this.parts.runner.build(job, output, this.abort.signal)).image };
    } catch (error) {
      if (error instanceof EngineUnavailableError || this.abort.signal.aborted) throw error;
      await output.flush();
      const known = explainBuild(error, output.tail(), this.parts.limits);
      const attempts = (this.faults.get(job.buildId) ?? 0) + 1;
      if (known === undefined && attempts < ATTEMPTS_MAX) {
        this.faults.set(job.buildId, attempts);
        throw error;
      }
      this.faults.delete(job.buildId);
      return { lost: lostBecause(needed, known ?? explainFault(error, output.tail())) };
    }
  }

  /** Exactly the same image, where its registry still has it. */
  private async pullByDigest(
    image: Image,
    digest: string,
    output: BuildOutput,
  ): Promise<Image | undefined> {
    const { engine } = this.parts;
    const pulled = await pullImage(engine, digest, this.abort.signal, output.line);
    if (pulled.outcome === 'not-pulled') output.line(`Not pulled by digest: ${pulled.why}`);
    const found = await describeImage(engine, digest, image.ref);
    return found === undefined ? undefined : { ...found, repoDigest: digest };
  }

  private async record(buildId: string, command: BuildCommand): Promise<void> {
    const { context } = this.parts;
    await context.commands.handle('build', buildId, command, onOwnAccount(context));
  }
}

const lostBecause = ({ job, image }: NeededImage, why: Explanation): Explanation => ({
  ...why,
  code: 'image-lost',
  summary: `The image ${image.ref} is gone from the engine and could not be ${
    job.source.kind === 'image' ? 'had' : 'built'
  } again. ${why.summary}`.slice(0, 2000),
});
