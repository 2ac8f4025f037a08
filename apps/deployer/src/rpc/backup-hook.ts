import type { KnownInstance } from '@shiplog/domain';
import { backupHook, type BackupHookRun } from '@shiplog/events';
import { z } from 'zod';
import { EngineError, type ExecResult } from '../containers/container-engine.port.js';
import { redactorOf } from '../containers/read-last-lines.js';
import type { Workbench } from '../containers/workbench.js';
import { lastLines } from '../explain.js';

/** `engineName`: of the volume, as the engine calls it. */
export const backupHookInput = z.object({
  appId: z.string(),
  engineName: z.string(),
  hook: backupHook,
});

/** As much of the end of its output as an event has room for. */
const SAID_CHARACTERS_MAX = 1500;

/**
 * Runs the hook in one ready instance that has the volume. Where instances have it and none is ready it is not run:
 * a program that is starting or broken writes all the same, and what it writes is not to be taken for a whole.
 */
export const runBackupHook = async (
  bench: Workbench,
  { appId, engineName, hook }: z.infer<typeof backupHookInput>,
): Promise<BackupHookRun> => {
  try {
    const users = await usersOf(bench, appId, engineName);
    if (users.length === 0) {
      return { ranIn: null, outcome: 'no-instance', exitCode: null, said: '' };
    }
    const ready = users.find(({ instance }) => instance.status === 'ready');
    if (ready === undefined) {
      const who = users.map(({ instance }) => `${instance.instanceId} is ${instance.status}`);
      return notRun(`no instance that has the volume is ready: ${who.join(', ')}`);
    }
    return await runIn(bench, ready, hook);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return notRun(error.said || error.message);
  }
};

const notRun = (why: string): BackupHookRun => ({
  ...{ ranIn: null, outcome: 'not-run', exitCode: null },
  said: why.slice(0, SAID_CHARACTERS_MAX),
});

interface User {
  readonly instance: KnownInstance;
  readonly containerId: string;
}

/** Instances whose running containers have it; one that was made before it was declared has it not. */
const usersOf = async (
  { engine, view, context }: Workbench,
  appId: string,
  engineName: string,
): Promise<User[]> => {
  const having = new Set(await engine.volumes.users(engineName));
  const seen = new Set([...view.containers.values()].map(({ id }) => id));
  // A deployer that has just begun has looked at none yet: that is not to be taken for none that runs.
  for (const id of having) if (!seen.has(id)) await view.look(id);
  return context.world.instancesOf(appId).flatMap((instance) => {
    const containerId = view.containers.get(instance.instanceId)?.id;
    return containerId !== undefined && having.has(containerId) ? [{ instance, containerId }] : [];
  });
};

const runIn = async (
  bench: Workbench,
  { instance, containerId }: User,
  { command, timeoutSeconds }: z.infer<typeof backupHookInput>['hook'],
): Promise<BackupHookRun> => {
  const startedMs = bench.nowMs();
  const timeoutMs = timeoutSeconds * 1000;
  const result = await bench.engine.exec(containerId, command, timeoutMs);
  const isLate = result.exitCode === null && bench.nowMs() - startedMs >= timeoutMs;
  const failure = isLate ? 'timed-out' : 'failed';
  const outcome = result.exitCode === 0 ? 'succeeded' : failure;
  const { instanceId: ranIn } = instance;
  return { ranIn, outcome, exitCode: result.exitCode, said: await saidIn(bench, instance, result) };
};

/** Blotted out before it is cut: half a secret is not found. */
const saidIn = async (
  bench: Workbench,
  instance: KnownInstance,
  { tail }: ExecResult,
): Promise<string> => {
  const redact = await redactorOf(bench, instance);
  const lines = lastLines(redact(tail).trimEnd().split('\n'));
  return lines.join('\n').slice(-SAID_CHARACTERS_MAX);
};
