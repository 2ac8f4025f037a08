import { backupHookRun, type BackupHook, type BackupHookRun } from '@shiplog/events';
import { describeError, type ProcessContext } from '@shiplog/runtime';
import type { BackupCommand } from '@shiplog/domain';
import type { NeededVolume } from '../backups/needed.js';

/** Runs the hook of a volume and has it written down. Rejects when the signal says so, or the log does not take it. */
export type RunVolumeHook = (
  volume: NeededVolume,
  hook: BackupHook,
  signal: AbortSignal,
) => Promise<BackupHookRun>;

/** After its deadline: what the deployer takes to find the instance, to end the command and to answer. */
const ANSWER_MS = 60_000;

interface HookPlace {
  readonly context: Pick<ProcessContext, 'bus' | 'config'>;
  readonly backupId: string;
  readonly now: () => number;
  readonly record: (fact: BackupCommand) => Promise<void>;
}

/** By the deployer: instances are its business, and it knows which of their words are secrets. */
export const hooksByDeployer =
  ({ context: { bus, config }, backupId, now, record }: HookPlace): RunVolumeHook =>
  async ({ appId, volumeId, name, engineName }, hook, signal) => {
    const startedMs = now();
    const timeoutMs = hook.timeoutSeconds * 1000 + ANSWER_MS;
    const asked = bus.request(
      'deployer',
      'backup-hook',
      { appId, engineName, hook },
      { timeoutMs },
    );
    const answer = asked.then((told) => backupHookRun.parse(told)).catch(notAnswered);
    const run = await untilAborted(signal, answer);
    const of = { nodeId: config.nodeId, backupId, appId, volumeId, name };
    const durationMs = Math.max(0, Math.round(now() - startedMs));
    await record({ type: 'RecordBackupHook', ...of, ...run, durationMs });
    return run;
  };

/** Whether it ran is not known then: what it was to prepare is not relied on. */
const notAnswered = (error: unknown): BackupHookRun => ({
  ...{ ranIn: null, outcome: 'not-run', exitCode: null },
  said: `the deployer did not answer: ${describeError(error)}`.slice(0, 2000),
});

const untilAborted = async <T>(signal: AbortSignal, work: Promise<T>): Promise<T> => {
  signal.throwIfAborted();
  let end = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    end = () => reject(signal.reason as Error);
    signal.addEventListener('abort', end);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', end);
  }
};
