import type { Position, RecordedCommit } from '@shiplog/events';
import type { PastLog } from './past-log.js';
import { fillFast } from '../fill.js';
import type { CommitReader } from '../handed-over.js';
import { PROJECTIONS } from '../projections/index.js';
import { SqlDatabase } from '../sql/database.js';
import { loadOrCreateState } from '../sql/projection-state.js';
import { nextPlace, SNAPSHOT_EVERY } from './places.js';
import { SnapshotFiles, type PastState, type TimeMark } from './snapshot-files.js';

/** A past to be made. Plain data, so that another thread can do it. */
export interface PastJob {
  /** Where snapshots lie. */
  readonly directory: string;
  readonly codeHash: string;
  /** The SQLite file that will hold it; does not exist yet. */
  readonly file: string;
  readonly until: Position;
}

/** Rejects when it was told to stop. What it kept on the way stays. */
export type MakePast = (job: PastJob, signal?: AbortSignal) => Promise<PastState>;

/** Commits between two time marks. */
export const MARK_EVERY = 1_000;

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Folds on from the nearest snapshot, in this thread, and keeps snapshots on the way. */
export const makePastHere =
  (log: PastLog, every = SNAPSHOT_EVERY): MakePast =>
  async ({ directory, codeHash, file, until }, signal) => {
    const files = new SnapshotFiles(directory, codeHash);
    let state = await files.copyNearest(log, until, file);
    for (;;) {
      const before = state;
      // One that was thinned out leaves a longer stretch: the next is where it would have been.
      const place = nextPlace(before.commits, every);
      const stretch = new Stretch(log, before, place - before.commits);
      const filled = await fillFile({ file, codeHash, until }, before, stretch, signal);
      if (filled === undefined) return before;
      state = stretch.stateAt(filled.position, filled.hash);
      if (state.commits === place) await files.keep(file, state);
      if (log.compare(state.position, until) >= 0) return state;
    }
  };

const fillFile = async (
  { file, codeHash, until }: Pick<PastJob, 'file' | 'codeHash' | 'until'>,
  from: PastState,
  reader: CommitReader,
  signal?: AbortSignal,
): Promise<{ position: Position; hash: string } | undefined> => {
  const database = await SqlDatabase.open({ kind: 'sqlite', file }, SILENT);
  try {
    const state = await database.write((manager) => loadOrCreateState(manager, codeHash));
    const { position: after, slots } = state;
    if (after !== from.position) throw new Error(`a snapshot of ${from.position} is at ${after}`);
    const models = PROJECTIONS.map(({ model }) => model);
    const owner = { kind: 'checkpoint', state } as const;
    const options = signal === undefined ? {} : { signal };
    const filled = await fillFast(database, reader)(
      { models, slots, owner, after, until },
      options,
    );
    await database.settle();
    return filled.position === after ? undefined : filled;
  } finally {
    await database.close();
  }
};

/** So many commits of the log and no more, with the times that were met. */
class Stretch implements CommitReader {
  private readonly marks: TimeMark[];
  private latest: number;
  private readonly commitsAt = new Map<Position, number>();
  private commits: number;
  private end: Position;

  constructor(
    private readonly log: PastLog,
    from: PastState,
    private left: number,
  ) {
    this.marks = [...from.marks];
    this.latest = from.marks.at(-1)?.[1] ?? -Infinity;
    this.commits = from.commits;
    this.end = from.position;
  }

  compare(a: Position, b: Position): number {
    return this.log.compare(a, b);
  }

  async readAfter(after: Position, limit: number): Promise<readonly RecordedCommit[]> {
    const page = this.left === 0 ? [] : await this.log.readAfter(after, Math.min(limit, this.left));
    for (const { position, commit } of page) {
      if (this.log.compare(position, this.end) <= 0) continue;
      this.end = position;
      this.left -= 1;
      this.commits += 1;
      this.commitsAt.set(position, this.commits);
      this.latest = Math.max(this.latest, Date.parse(commit.time));
      if (this.commits % MARK_EVERY === 0) this.marks.push([position, this.latest]);
    }
    return page;
  }

  stateAt(position: Position, hash: string): PastState {
    const commits = this.commitsAt.get(position);
    if (commits === undefined) throw new Error(`${position} was not read`);
    const marks = this.marks.filter(([at]) => this.log.compare(at, position) <= 0);
    return { position, hash, commits, marks };
  }
}
