import { faultPoint } from '@shiplog/runtime';
import { LABEL } from '@shiplog/engine';
import type { SourceStore } from '@shiplog/sources';
import type Docker from 'dockerode';
import { buildOnEngine, type BuildListener } from '../engine/engine-build.js';
import { describeImage } from '../engine/images.js';
import type { contextOf } from '../sources/archive.js';
import type { Stacks } from '../stack/stacks.js';
import { imageTag, type BuildJob, type BuildResult } from './build-job.js';
import type { BuildNetwork } from './build-network.js';
import type { BuildOutput } from './build-output.js';
import type { BuildLimits } from './explain.js';
import type { LeftoverRecord } from './leftovers.js';
import { EngineUnavailableError } from './problems.js';

export interface BuilderParts {
  readonly platform: string;
  readonly engine: Docker;
  readonly sources: SourceStore;
  readonly stacks: Stacks;
  readonly limits: BuildLimits;
  /** Whether a build that runs now made the cache image of that name. */
  readonly isBuilding: (cacheTag: string) => boolean;
}

/** What one build is done with. */
export interface BuildTask {
  readonly parts: BuilderParts;
  readonly job: BuildJob;
  readonly output: BuildOutput;
  readonly leftovers: LeftoverRecord;
  readonly signal: AbortSignal;
}

interface ContextBuild {
  readonly context: ReturnType<typeof contextOf>;
  readonly tag: string;
  /** Beside those that say whose image it is. */
  readonly labels: Readonly<Record<string, string>>;
  readonly network: BuildNetwork;
  readonly listener: BuildListener;
}

export const buildContext = (task: BuildTask, build: ContextBuild): Promise<string> =>
  buildOnEngine(task.parts.engine, {
    context: build.context,
    tag: build.tag,
    labels: {
      [LABEL.platform]: task.parts.platform,
      [LABEL.app]: task.job.appId,
      [LABEL.build]: task.job.buildId,
      ...build.labels,
    },
    memoryBytes: task.parts.limits.memoryBytes,
    buildArgs: build.network.buildArgs,
    networkMode: build.network.mode,
    signal: task.signal,
    listener: build.listener,
  });

export const resultOf = async (
  task: BuildTask,
  id: string,
  processes: BuildResult['processes'],
  stack: BuildResult['stack'],
): Promise<BuildResult> => {
  faultPoint('builder/after-image');
  const image = await describeImage(task.parts.engine, id, imageTag(task.parts.platform, task.job));
  if (image === undefined) throw new EngineUnavailableError('the engine lost an image it had made');
  return { image: { ...image, repoDigest: null }, processes, stack };
};
