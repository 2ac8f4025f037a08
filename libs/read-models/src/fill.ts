import type { Position, RecordedCommit } from '@shiplog/events';
import type { EntityManager } from 'typeorm';
import { breathe } from './breathe.js';
import type { ModelName } from './documents.js';
import type { CommitReader } from './handed-over.js';
import { PROJECTIONS } from './projections/index.js';
import type { SqlDatabase } from './sql/database.js';
import {
  moveCheckpoint,
  touchBuild,
  type BuildRecord,
  type ProjectionState,
  type Slots,
} from './sql/projection-state.js';
import { onlyPlaceIn, TableFold } from './sql/table-fold.js';

/** A stretch of the log to be folded into tables. Plain data, so that another thread can do it. */
export interface FillJob {
  readonly models: readonly ModelName[];
  /** The tables: the served ones with their checkpoint, or the ones that a rebuild claimed. */
  readonly slots: Slots;
  readonly owner:
    | { readonly kind: 'checkpoint'; readonly state: ProjectionState }
    | { readonly kind: 'build'; readonly build: BuildRecord };
  readonly after: Position;
  readonly until: Position;
  /** Each commit alone: to find the one that cannot be applied. */
  readonly oneByOne?: boolean;
}

export interface Filled {
  readonly position: Position;
  /** Of the commit there; empty where the stretch was. */
  readonly hash: string;
  readonly events: number;
}

export interface FillOptions {
  /** Ends the filling with the next transaction; what was written so far stays. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (filled: Filled) => void;
}

/**
 * Rejects when the owner lost the tables, when it was told to stop, and with `ProjectionFailedError` when a
 * projection cannot apply a commit: what the transactions before wrote stays.
 */
export type Fill = (job: FillJob, options?: FillOptions) => Promise<Filled>;

interface Piece {
  /** Commits of one transaction: the more, the fewer rows are written more than once. */
  readonly commits: number;
  /** Rows at hand per model: history is revisited widely when it is read at once. */
  readonly rows: number;
}
/** Nobody waits for the tables, or only while rows are written: some 30 ms. */
const BESIDE: Piece = { commits: 8_000, rows: 3_000 };
/** On the thread that answers requests, too. */
const HERE: Piece = { commits: 400, rows: 5_000 };

/** Decoded at once: what was folded is let go of before the next ones are made of the log's text. */
const COMMITS_AT_HAND = 500;

/** Fills in this thread, and lets others run between two transactions. */
export const fillHere = (database: SqlDatabase, log: CommitReader): Fill =>
  filler(database, log, HERE);

/** Fills in a thread that does nothing else. */
export const fillFast = (database: SqlDatabase, log: CommitReader): Fill =>
  filler(database, log, BESIDE);

const filler =
  (database: SqlDatabase, log: CommitReader, piece: Piece): Fill =>
  async (job, { signal, onProgress } = {}) => {
    const projections = PROJECTIONS.filter(({ model }) => job.models.includes(model));
    const fold = new TableFold(projections, job.slots, piece.rows);
    const own = ownership(job.owner);
    const commits = job.oneByOne === true ? 1 : piece.commits;
    let filled: Filled = { position: job.after, hash: '', events: 0 };
    for (;;) {
      const added = await addPiece(database, log, fold, {
        ...job,
        after: filled.position,
        commits,
      });
      signal?.throwIfAborted();
      if (added === undefined) return filled;
      const next = { ...added, events: filled.events + added.events };
      // What was folded stands or falls with this: it fails where somebody else wrote to the tables.
      await database.write(async (manager) => {
        // First, so that the transaction begins with the lock that it needs.
        await own(manager, next);
        await fold.write(manager, added.at);
      });
      filled = next;
      onProgress?.(filled);
      await breathe();
    }
  };

/** Folds the next commits, as many as one transaction takes; undefined where there are none. */
const addPiece = async (
  { queries }: SqlDatabase,
  log: CommitReader,
  fold: TableFold,
  { after, until, commits }: Pick<FillJob, 'after' | 'until'> & Pick<Piece, 'commits'>,
): Promise<(Filled & { readonly at: ReturnType<typeof onlyPlaceIn> }) | undefined> => {
  let added: Awaited<ReturnType<typeof addPiece>>;
  for (let left = commits; left > 0;) {
    const from = added?.position ?? after;
    const batch = await stretch(log, from, until, Math.min(left, COMMITS_AT_HAND));
    const last = batch.at(-1);
    if (last === undefined) break;
    await fold.add(queries, batch);
    left -= batch.length;
    const events = batch.reduce((sum, { commit }) => sum + commit.events.length, 0);
    added = {
      position: last.position,
      hash: last.hash,
      events: events + (added?.events ?? 0),
      at: commits === 1 ? onlyPlaceIn(batch) : null,
    };
  }
  return added;
};

/** Throws where the tables belong to somebody else by now. */
const ownership = (
  owner: FillJob['owner'],
): ((manager: EntityManager, end: Filled) => Promise<void>) => {
  if (owner.kind === 'build') {
    return (manager, end) => touchBuild(manager, advanced(owner.build, end));
  }
  let { state } = owner;
  return async (manager, { position, hash }) => {
    state = await moveCheckpoint(manager, state, { position, hash });
  };
};

/** The rebuild after some more of it was done. */
export const advanced = (build: BuildRecord, more: Filled): BuildRecord => ({
  ...build,
  position: more.position,
  hash: more.hash === '' ? build.hash : more.hash,
  events: build.events + more.events,
  touchedAt: new Date().toISOString(),
});

/** The next commits up to `until`, at most `limit`. */
export const stretch = async (
  log: CommitReader,
  after: Position,
  until: Position,
  limit: number,
): Promise<readonly RecordedCommit[]> => {
  if (log.compare(after, until) >= 0) return [];
  const page = await log.readAfter(after, limit);
  return page.filter(({ position }) => log.compare(position, until) <= 0);
};
