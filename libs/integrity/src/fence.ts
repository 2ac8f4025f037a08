import { START, toPosition, type Position } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import { chainOf } from './chain.js';
import type { Checkpoint, Reset } from './checkpoint.js';
import type { CheckpointStore } from './checkpoint-store.js';

/** Signed checkpoints testify to commits that the log does not have. */
export class LogContradictedError extends Error {
  readonly code = 'log-contradicted';
  readonly retryable = false;
  constructor({ name }: CheckpointStore, { number, time, total }: Checkpoint, commits: number) {
    super(
      `the log is not the one that was sworn to: checkpoint ${number} of ${time} (${name}) covers ${total} commits, ` +
        `but the log ${commits < total ? `has ${commits}` : `has another commit as number ${total}`}. ` +
        'Restore the newer log from a backup. To go on with this one and lose what is missing, knowingly: ' +
        `start once with SHIPLOG_ACCEPT_LOG=${commits}; that is recorded in the checkpoints for ever. ` +
        'More: docs/integrity.md',
    );
    this.name = 'LogContradictedError';
  }
}

type FencedLog = Pick<EventLog, 'readStored' | 'head'>;

/** The store that testifies to the most commits, where the log does not have the last one of them. */
export const contradictionOf = async (
  log: FencedLog,
  stores: readonly CheckpointStore[],
): Promise<CheckpointStore | undefined> => {
  for (const store of stores) {
    const newest = (await store.newest())?.checkpoint;
    if (newest === undefined || newest.total === 0) continue;
    const place = toPosition(newest.total);
    const [found] = await log.readStored(toPosition(newest.total - 1), 1);
    if (found?.position !== place || found.hash !== newest.last) return store;
  }
  return undefined;
};

export const contradicted = async (
  log: FencedLog,
  store: CheckpointStore,
): Promise<LogContradictedError | undefined> => {
  const newest = (await store.newest())?.checkpoint;
  if (newest === undefined) return undefined;
  return new LogContradictedError(store, newest, Number(await log.head()));
};

const BATCH = 1_000;

/** How far the log is still the one that these checkpoints testify to. */
export const commonPart = async (
  log: FencedLog,
  store: CheckpointStore,
): Promise<Reset & { readonly to: Position }> => {
  const { leaves } = chainOf(await store.after(0));
  let common: Reset & { readonly to: Position } = { total: 0, last: null, to: START };
  for (;;) {
    const batch = await log.readStored(common.to, BATCH);
    for (const { position, hash } of batch) {
      const { total } = common;
      if (total >= leaves.count || !leaves.isAt(total, hash)) return common;
      common = { total: total + 1, last: hash, to: position };
    }
    if (batch.length < BATCH) return common;
  }
};
