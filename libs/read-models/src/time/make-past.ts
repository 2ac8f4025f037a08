import type { Position, RecordedCommit } from '@shiplog/events';
import type { PastLog } from './past-log.js';
import { fillFast } from '../fill.js';
import type { CommitReader } from '../handed-over.js';
import { readingBeside, type ReadAhead, type StartReading } from '../reading/read-ahead.js';
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

interface MakingOptions {
  /** Commits between two snapshots. */
  readonly every?: number;
  /** Of a thread that reads a long stretch while this one folds it. */
  readonly startReading?: StartReading;
}

/** Folds on from the nearest snapshot, in this thread, and keeps snapshots on the way. */
export const makePastHere =
  (log: PastLog, { every = SNAPSHOT_EVERY, startReading }: MakingOptions = {}): MakePast =>
  async (job, signal) => {
    const { directory, codeHash, file, until } = job;
    const files = new SnapshotFiles(directory, codeHash);
    let ahead: ReadAhead | undefined;
    const readFrom = ({ position: after }: PastState): void => {
      ahead ??= startReading && readingBeside(log, startReading, { after, until });
      ahead?.beginAfter(after);
    };
    try {
      // That thread starts while the snapshot is copied.
      const nearest = await files.copyNearest(log, until, file, readFrom);
      readFrom(nearest);
      return await foldOn(ahead ?? log, { job, files, every, nearest }, signal);
    } finally {
      await ahead?.stop();
    }
  };

interface Making {
  readonly job: PastJob;
  readonly files: SnapshotFiles;
  readonly every: number;
  readonly nearest: PastState;
}

const foldOn = async (
  reader: CommitReader,
  { job, files, every, nearest }: Making,
  signal?: AbortSignal,
): Promise<PastState> => {
  let state = nearest;
  for (;;) {
    const before = state;
    // One that was thinned out leaves a longer stretch: the next is where it would have been.
    const place = nextPlace(before.commits, every);
    const stretch = new Stretch(reader, before, place - before.commits);
    const filled = await fillFile(job, before, stretch, signal);
    if (filled === undefined) return before;
    state = stretch.stateAt(filled.position, filled.hash);
    if (state.commits === place) await files.keep(job.file, state);
    if (reader.compare(state.position, job.until) >= 0) return state;
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
    private readonly log: CommitReader,
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
