import { setTimeout as pause } from 'node:timers/promises';
import type { BackupState, KnownBackup } from '@shiplog/domain';
import type { ProcessContext } from '@shiplog/runtime';
import { z } from 'zod';

const line = z.object({
  kind: z.enum(['step', 'done', 'failed']),
  text: z.string(),
  at: z.string(),
});
export type BackupLine = z.infer<typeof line>;
const answer = z.object({ lines: z.array(line).nullable() });

const LOOK_MS = 200;

type Api = Pick<ProcessContext, 'bus' | 'feed'> & { readonly state: () => BackupState };

/** The lines of a job of the backup process up to the last one; undefined for one that nobody knows. */
export const linesFrom = async (
  { bus }: Pick<ProcessContext, 'bus'>,
  job: string,
  from: number,
): Promise<readonly BackupLine[] | undefined> =>
  answer.parse(await bus.request('backup', 'progress', { job, from })).lines ?? undefined;

/**
 * What a backup does until it ends. A backup process that started anew knows nothing of it: then the log
 * says how it ended, as soon as it does.
 */
export async function* backupLines(
  api: Api,
  job: string,
  signal: AbortSignal,
): AsyncGenerator<BackupLine> {
  let seen = 0;
  while (!signal.aborted) {
    const lines = await linesFrom(api, job, seen);
    if (lines === undefined) {
      const end = await endInLog(api, job);
      if (end !== undefined) {
        yield end;
        return;
      }
    }
    for (const one of lines ?? []) {
      seen += 1;
      yield one;
      if (one.kind !== 'step') return;
    }
    await pause(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

const endInLog = async ({ feed, state }: Api, job: string): Promise<BackupLine | undefined> => {
  await feed.catchUp();
  const known = state().backups.find(({ backupId }) => backupId === job);
  const at = new Date().toISOString();
  if (known === undefined) {
    return { kind: 'failed', text: 'the backup process ended meanwhile; begin it again', at };
  }
  return known.outcome === 'running' ? undefined : { ...endOf(known), at };
};

const withoutVolumes = (failed: readonly string[]): string =>
  `it is made, but WITHOUT what is in ${failed.length} of the volumes: ${failed.join('; ')}`;

const endOf = ({
  outcome,
  backupId,
  problem,
  volumesFailed,
}: KnownBackup): Omit<BackupLine, 'at'> =>
  outcome === 'succeeded' && volumesFailed.length === 0
    ? { kind: 'done', text: `backup ${backupId} succeeded` }
    : { kind: 'failed', text: problem?.summary ?? withoutVolumes(volumesFailed) };
