import type { CommandByAggregate } from '@shiplog/domain';
import type { Aggregate } from '@shiplog/events';
import { startReconcileLoop } from '@shiplog/reconcile';
import { onOwnAccount, type ProcessContext, type RunningProcess } from '@shiplog/runtime';
import { anExplanation, anImage } from './platform.js';

const append = async <A extends Aggregate>(
  context: ProcessContext,
  aggregate: A,
  id: string,
  command: CommandByAggregate[A],
): Promise<void> => {
  const result = await context.commands.handle(aggregate, id, command, onOwnAccount(context));
  if (result.outcome === 'accepted') await context.feed.reach(result.position);
};

const loop = (context: ProcessContext, round: () => Promise<void>): RunningProcess => {
  const running = startReconcileLoop({
    name: 'fake',
    resyncMs: 200,
    round: async () => {
      await context.feed.catchUp();
      await round();
      return undefined;
    },
    onError: (error) => context.logger.error({ error }, 'fake-worker'),
  });
  const unsubscribe = context.feed.onBatch(() => running.nudge());
  return {
    stop: async () => {
      unsubscribe();
      await running.stop();
    },
  };
};

export interface FakeBuilderOptions {
  /** False: this build fails. */
  readonly succeeds?: (buildId: string) => boolean | Promise<boolean>;
  /** Builds that are not let through stay running. */
  readonly lets?: (buildId: string) => boolean;
}

/** Builds nothing: prints two lines, one of them lost on the way, and says how it ended. */
export const startFakeBuilder = (
  context: ProcessContext,
  { succeeds = () => true, lets = () => true }: FakeBuilderOptions = {},
): RunningProcess => {
  const kept = new Map<string, { n: number; text: string }[]>();
  const unserve = context.bus.serve('output', (input) => {
    const { buildId, after } = input as { buildId: string; after: number };
    return Promise.resolve({ lines: (kept.get(buildId) ?? []).filter(({ n }) => n > after) });
  });
  const running = loop(context, async () => {
    for (const { appId, builds } of context.world.apps()) {
      for (const [buildId, { cancelRequested }] of Object.entries(builds)) {
        const { status } = context.world.get('build', buildId).state;
        if (status === 'none') {
          const start = { type: 'StartBuild', buildId, appId, sourceDigest: null } as const;
          await append(context, 'build', buildId, start);
          kept.set(buildId, [
            { n: 1, text: 'installing' },
            { n: 2, text: `made ${buildId}` },
          ]);
          context.bus.publish(`output.${buildId}`, { lines: kept.get(buildId)?.slice(0, 1) });
        }
        if (context.world.get('build', buildId).state.status !== 'running') continue;
        if (cancelRequested) await append(context, 'build', buildId, { type: 'CancelBuild' });
        else if (lets(buildId)) await end(context, buildId, await succeeds(buildId));
      }
    }
  });
  return {
    stop: async () => {
      unserve();
      await running.stop();
    },
  };
};

const end = (context: ProcessContext, buildId: string, isGood: boolean): Promise<void> =>
  append(
    context,
    'build',
    buildId,
    isGood
      ? {
          type: 'SucceedBuild',
          image: anImage,
          processes: { web: { command: null } },
          stack: 'node',
          durationMs: 5,
        }
      : { type: 'FailBuild', explanation: anExplanation },
  );

/** Runs nothing: one instance for each generation, ready at once, the old one stopped. */
export const startFakeDeployer = (
  context: ProcessContext,
  { lets = () => true }: { readonly lets?: (version: number) => boolean } = {},
): RunningProcess =>
  loop(context, async () => {
    for (const { appId } of context.world.apps()) {
      const target = context.world.deployment(appId)?.target;
      if (target == null) continue;
      for (const old of context.world.rolloutsOf(appId)) {
        if (old.status !== 'running' || old.rolloutId === target.rolloutId) continue;
        const cancel = { type: 'CancelRollout', cause: 'superseded' } as const;
        await append(context, 'rollout', old.rolloutId, cancel);
      }
      await rollOut(context, appId, lets(target.release.version));
    }
  });

const rollOut = async (context: ProcessContext, appId: string, isLet: boolean): Promise<void> => {
  const deployment = context.world.deployment(appId);
  if (deployment?.target == null) return;
  const { live, target } = deployment;
  const { rolloutId, generation, release } = target;
  const { version } = release;
  const instanceId = `i_${appId}_${generation}`;
  await append(context, 'rollout', rolloutId, {
    type: 'StartRollout',
    rolloutId,
    appId,
    generation,
    version,
    fromVersion: live?.release.version ?? null,
    deadline: '2099-01-01T00:00:00.000Z',
  });
  await append(context, 'instance', instanceId, {
    type: 'ScheduleInstance',
    instanceId,
    appId,
    process: 'web',
    version,
    generation,
    nodeId: 'node-1',
    port: 21_000,
    containerPort: 8080,
  });
  if (!isLet) return;
  const started = { type: 'RecordStarted', containerId: 'c'.repeat(64), restarts: 0 } as const;
  await append(context, 'instance', instanceId, started);
  await append(context, 'instance', instanceId, { type: 'RecordReady' });
  for (const old of context.world.instancesOf(appId)) {
    if (old.generation === generation) continue;
    const retire = { type: 'RetireInstance', reason: 'superseded' } as const;
    await append(context, 'instance', old.instanceId, retire);
    const stopped = { type: 'RecordStopped', exitCode: 0, killed: false } as const;
    await append(context, 'instance', old.instanceId, stopped);
  }
  await append(context, 'rollout', rolloutId, { type: 'CompleteRollout' });
};
