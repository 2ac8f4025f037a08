import type { Position, RecordedCommit } from '@shiplog/events';
import type { EventLog, LogFeed } from '@shiplog/events/log';
import { breathe } from './breathe.js';
import { CommitSource } from './commit-source.js';
import { isProjectionFailed, ProjectionFencedError, type ProjectionFailedError } from './errors.js';
import { afterFailure } from './failure.js';
import type { ReadModelsLogger } from './logger.js';
import { unparkedModels, withParked } from './parking.js';
import { PROJECTIONS } from './projections/index.js';
import { Reached } from './reached.js';
import type { SqlDatabase } from './sql/database.js';
import {
  changeParked,
  loadState,
  moveCheckpoint,
  type ProjectionState,
} from './sql/projection-state.js';
import { TableFold } from './sql/table-fold.js';

/** Commits of one transaction. */
const COMMITS_AT_ONCE = 400;
/** Rows at hand per model: while it catches up, and while it waits. */
const ROWS_KEPT = 3_000;
const ROWS_KEPT_IDLE = 200;
const RETRY_MS_FIRST = 100;
const RETRY_MS_MAX = 5_000;

/** Where tests kill the process that projects. */
export type ProjectPoint =
  'before-project' | 'checkpoint-written' | 'rows-written' | 'after-project';

interface ProjectorDependencies {
  readonly database: SqlDatabase;
  readonly log: EventLog;
  readonly feed: Pick<LogFeed, 'position' | 'onBatch'>;
  readonly logger: ReadModelsLogger;
  readonly fault?: ((point: ProjectPoint) => void) | undefined;
}

/** While a commit is met that cannot be applied: no further than this, as many at once. */
interface Narrowed {
  readonly until: Position;
  readonly commitsAtOnce: number;
}

/**
 * Follows the log into the served tables: rows and checkpoint in one transaction, batch by batch. A model
 * whose projection cannot apply a commit is parked before it, and the others go on.
 */
export class Projector {
  private readonly source: CommitSource;
  private readonly reached: Reached;
  private fold: TableFold;
  private stopped = false;
  private wake = (): void => undefined;
  private running: Promise<void> | undefined;
  private retryMs = RETRY_MS_FIRST;
  private narrowed: Narrowed | undefined;

  constructor(
    private readonly deps: ProjectorDependencies,
    private current: ProjectionState,
  ) {
    this.source = new CommitSource(deps.log, deps.feed, () => this.wake());
    this.reached = new Reached(deps.log, current.position);
    this.fold = this.newFold();
  }

  get state(): ProjectionState {
    return this.current;
  }

  /** Goes on following until `stop`. */
  start(): void {
    this.running = this.run();
  }

  reach(position: Position, timeoutMs?: number): Promise<void> {
    return this.reached.wait(position, timeoutMs);
  }

  /** Goes on from another state of the tables: after a switch, or when somebody else moved them. */
  adopt(state: ProjectionState): void {
    this.current = state;
    this.fold = this.newFold();
    this.reached.advance(state.position);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.source.stop();
    this.wake();
    await this.running;
    this.reached.fail(new Error('the read models were stopped'));
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const woken = new Promise<void>((resolve) => (this.wake = resolve));
      const outcome = await this.step();
      if (outcome === 'idle') await woken;
      if (outcome === 'failed') await this.pause();
    }
  }

  private async step(): Promise<'projected' | 'idle' | 'failed'> {
    try {
      const batch = await this.nextBatch();
      if (batch.length === 0) {
        this.fold.shrinkTo(ROWS_KEPT_IDLE);
        // A log that answers behind its own head is asked again in a moment.
        return this.source.hasMore(this.current.position) ? 'failed' : 'idle';
      }
      await this.project(batch);
      await breathe();
      this.retryMs = RETRY_MS_FIRST;
      return 'projected';
    } catch (error) {
      if (isProjectionFailed(error) && (await this.narrowOrPark(error))) return 'projected';
      await this.recover(error);
      return 'failed';
    }
  }

  private async nextBatch(): Promise<readonly RecordedCommit[]> {
    const { log } = this.deps;
    const { position } = this.current;
    if (this.narrowed !== undefined && log.compare(position, this.narrowed.until) >= 0) {
      this.narrowed = undefined;
    }
    const { narrowed } = this;
    const batch = await this.source.next(position, narrowed?.commitsAtOnce ?? COMMITS_AT_ONCE);
    return narrowed === undefined
      ? batch
      : batch.filter((record) => log.compare(record.position, narrowed.until) <= 0);
  }

  /** Goes on without the model that cannot; false where that could not be written down. */
  private async narrowOrPark(failure: ProjectionFailedError): Promise<boolean> {
    const { log, database, logger } = this.deps;
    // What was folded of the batch is not in the tables.
    this.fold = this.newFold();
    const { position } = this.current;
    const next = afterFailure(failure, position, log);
    if (next.kind === 'one-by-one' && this.narrowed?.commitsAtOnce !== 1) {
      const [last] = (await this.source.next(position, COMMITS_AT_ONCE)).slice(-1);
      this.narrowed = { until: last?.position ?? position, commitsAtOnce: 1 };
      return true;
    }
    if (next.kind === 'apply-before' && (await this.hasCommits(next.until))) {
      this.narrowed = { until: next.until, commitsAtOnce: COMMITS_AT_ONCE };
      return true;
    }
    this.narrowed = undefined;
    const parked = withParked(this.current.parked, failure, position, new Date());
    try {
      const from = this.current;
      this.adopt(await database.write((manager) => changeParked(manager, from, parked)));
    } catch {
      return false;
    }
    logger.error(
      { err: failure, model: failure.model, sequence: failure.at?.sequence },
      'read-models.parked',
    );
    return true;
  }

  private async hasCommits(until: Position): Promise<boolean> {
    const [first] = await this.source.next(this.current.position, 1);
    return first !== undefined && this.deps.log.compare(first.position, until) <= 0;
  }

  private project(batch: readonly RecordedCommit[]): Promise<void> {
    const last = batch.at(-1);
    if (last === undefined) return Promise.resolve();
    const from = this.current;
    const fold = this.fold;
    const { database, fault } = this.deps;
    fault?.('before-project');
    return database
      .write(async (manager) => {
        // Tables may have been switched while this waited for its turn: its checkpoint move then fails.
        // It comes first, so that the transaction begins with the lock that it needs.
        const moved = await moveCheckpoint(manager, from, {
          position: last.position,
          hash: last.hash,
        });
        fault?.('checkpoint-written');
        await fold.take(manager, batch);
        fault?.('rows-written');
        return moved;
      })
      .then((state) => {
        fault?.('after-project');
        this.current = state;
        this.reached.advance(state.position);
      });
  }

  private async recover(error: unknown): Promise<void> {
    const { logger, database } = this.deps;
    if (!(error instanceof ProjectionFencedError)) {
      logger.error({ err: error, position: this.current.position }, 'read-models.batch-failed');
    }
    try {
      const state = await loadState(database.queries);
      if (state !== undefined) this.adopt(state);
    } catch (cause) {
      // What is at hand is ahead of the tables: read it again when the database is back.
      this.fold = this.newFold();
      logger.error({ err: cause }, 'read-models.state-unreadable');
    }
  }

  /** Two projectors of one database that meet again and again spread out. */
  private async pause(): Promise<void> {
    const ms = this.retryMs * (0.5 + Math.random());
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MS_MAX);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      const wake = this.wake;
      this.wake = () => {
        wake();
        if (!this.stopped) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private newFold(): TableFold {
    const models = unparkedModels(this.current.parked);
    const projections = PROJECTIONS.filter(({ model }) => models.includes(model));
    return new TableFold(projections, this.current.slots, ROWS_KEPT);
  }
}
