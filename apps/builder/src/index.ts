import { connectEngine } from '@shiplog/engine';
import { ID_PATTERN } from '@shiplog/events';
import { startReconcileLoop } from '@shiplog/reconcile';
import { SourceStore } from '@shiplog/sources';
import { describeError, pathsOf, type ProcessContext, type RunningProcess } from '@shiplog/runtime';
import { z } from 'zod';
import { BuildOutputs } from './builds/build-output.js';
import { BuildRunner } from './builds/build-runner.js';
import { DestroyedApps } from './builds/destroyed-apps.js';
import { desiredBuilds } from './builds/desired-builds.js';
import type { BuildLimits } from './builds/explain.js';
import { planBuilds, type BuildAction } from './builds/plan.js';
import { Rebuilder } from './lost-images/rebuilder.js';
import { Stacks } from './stack/stacks.js';

/** What tests change; the defaults are what the platform runs with. */
export interface BuilderOptions {
  readonly limits?: BuildLimits;
  /** Builds at once; as many images are made again beside them. */
  readonly parallel?: number;
  readonly engineWaitMs?: number;
}

const LIMITS: BuildLimits = { timeMs: 15 * 60_000, memoryBytes: 2 * 1024 ** 3 };
const PARALLEL = 2;
const ENGINE_WAIT_MS = 30_000;
const PRUNE_EVERY_MS = 24 * 3_600_000;

const outputQuestion = z.object({
  buildId: z.string().regex(ID_PATTERN),
  /** Number of the last line that the asker has; 0 for none. */
  after: z.number().int().nonnegative().default(0),
});

/** Makes images of sources: the only writer of builds. */
export const startBuilder = async (
  context: ProcessContext,
  options: BuilderOptions = {},
): Promise<RunningProcess> => {
  const { config, world, feed, bus, logger } = context;
  const paths = pathsOf(config.home);
  const limits = options.limits ?? LIMITS;
  const parallel = options.parallel ?? PARALLEL;
  const engine = connectEngine(config.engine === undefined ? {} : { host: config.engine });
  const outputs = new BuildOutputs(paths.builds, (topic, data) => bus.publish(topic, data));
  const stacks = new Stacks({ engine, scratch: paths.builds });
  const common = { context, engine, outputs, limits, now: Date.now, onEnd: () => loop.nudge() };
  const runner = new BuildRunner({
    ...common,
    platform: config.platform,
    sources: new SourceStore(paths.sources),
    directory: paths.builds,
    engineWaitMs: options.engineWaitMs ?? ENGINE_WAIT_MS,
    stacks,
  });
  const destroyed = new DestroyedApps(engine, config.platform);
  const rebuilder = new Rebuilder({ ...common, runner, parallel });

  let prunesAt = 0;
  const prune = async (): Promise<void> => {
    if (Date.now() < prunesAt) return;
    prunesAt = Date.now() + PRUNE_EVERY_MS;
    await outputs.prune((id) => world.get('build', id).state.status !== 'none', Date.now());
  };
  const round = async (): Promise<{ nextRoundInMs?: number }> => {
    await feed.catchUp();
    await prune();
    const desired = desiredBuilds(world);
    const plan = planBuilds(desired, runner.observe(), { parallel }, Date.now());
    for (const action of plan.actions) await applyAction(runner, action);
    // An engine that does not answer is a setback for what is built; nothing is decided without it.
    try {
      await rebuilder.round();
      await destroyed.round(world, new Set(desired.map(({ job }) => job.appId)));
    } catch (error) {
      logger.warn({ error: describeError(error) }, 'images-not-seen');
    }
    return plan.nextInMs === undefined ? {} : { nextRoundInMs: plan.nextInMs };
  };
  const onError = (error: unknown): void =>
    logger.error({ error: describeError(error) }, 'build-round-failed');
  const loop = startReconcileLoop({ name: 'builds', round, onError });

  await prune();
  const endListening = feed.onBatch(() => loop.nudge());
  const endServing = bus.serve('output', async (input) => {
    const { buildId, after } = outputQuestion.parse(input);
    return { lines: await outputs.page(buildId, after) };
  });
  return {
    stop: async () => {
      endListening();
      endServing();
      await loop.stop();
      await Promise.all([runner.stop(), rebuilder.stop()]);
    },
  };
};

const applyAction = async (runner: BuildRunner, { type, build }: BuildAction): Promise<void> => {
  switch (type) {
    case 'start':
      return runner.start(build);
    case 'interrupt':
      return runner.interrupt(build.job.buildId, 'cancelled');
    case 'record-cancelled':
      return runner.recordCancelled(build);
  }
};
