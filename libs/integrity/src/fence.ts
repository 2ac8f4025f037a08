import { START, positionBefore, toPosition, type Position } from '@shiplog/events';
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

type FencedLog = Pick<EventLog, 'readStored' | 'head' | 'isDense'>;

const BATCH = 1_000;

/** The place of the last commit that a checkpoint covers, which is another one in a copy of its log. */
export const placeOfLast = async (
  log: Pick<EventLog, 'readStored' | 'isDense'>,
  { total, to, last }: Pick<Checkpoint, 'total' | 'to' | 'last'>,
): Promise<Position | undefined> => {
  if (total === 0) return START;
  const expected = log.isDense ? toPosition(total) : to;
  const [found] = await log.readStored(positionBefore(expected), 1);
  if (found?.position === expected && found.hash === last) return expected;
  return log.isDense ? undefined : countedPlace(log, total, last);
};

/** Reads the log up to there: happens once after it was copied, or when something is wrong. */
const countedPlace = async (
  log: Pick<EventLog, 'readStored'>,
  total: number,
  last: string | null,
): Promise<Position | undefined> => {
  let at = { count: 0, position: START, hash: null as string | null };
  while (at.count < total) {
    const batch = await log.readStored(at.position, Math.min(BATCH, total - at.count));
    const newest = batch.at(-1);
    if (newest === undefined) return undefined;
    at = { count: at.count + batch.length, position: newest.position, hash: newest.hash };
  }
  return at.hash === last ? at.position : undefined;
};

/** How many commits the log has. */
export const commitCount = async (log: FencedLog): Promise<number> => {
  if (log.isDense) return Number(await log.head());
  let count = 0;
  for (let position = START; ;) {
    const batch = await log.readStored(position, BATCH);
    count += batch.length;
    if (batch.length < BATCH) return count;
    position = batch.at(-1)?.position ?? position;
  }
};

/**
 * Of the stores whose last commit the log does not have, the one that testifies to the most commits: what
 * is said of the log is then the worst that is known of it. Of equal ones the first.
 */
export const contradictionOf = async (
  log: FencedLog,
  stores: readonly CheckpointStore[],
): Promise<CheckpointStore | undefined> => {
  let most: { readonly store: CheckpointStore; readonly newest: Checkpoint } | undefined;
  for (const store of stores) {
    const newest = (await store.newest())?.checkpoint;
    if (newest === undefined || newest.total === 0) continue;
    if (most !== undefined && !isMore(newest, most.newest)) continue;
    if ((await placeOfLast(log, newest)) === undefined) most = { store, newest };
  }
  return most?.store;
};

const isMore = (one: Checkpoint, other: Checkpoint): boolean =>
  one.total > other.total || (one.total === other.total && one.number > other.number);

export const contradicted = async (
  log: FencedLog,
  store: CheckpointStore,
): Promise<LogContradictedError | undefined> => {
  const newest = (await store.newest())?.checkpoint;
  if (newest === undefined) return undefined;
  return new LogContradictedError(store, newest, await commitCount(log));
};

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
