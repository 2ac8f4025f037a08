import { START, type Position } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import { breathe } from './breathe.js';
import type { ModelName } from './documents.js';
import { isFenced, isProjectionFailed, type ProjectionFailedError } from './errors.js';
import { afterFailure } from './failure.js';
import { stretch } from './fill.js';
import type { ReadModelsLogger } from './logger.js';
import { withoutParked, withParked } from './parking.js';
import { PROJECTIONS } from './projections/index.js';
import type { Projector } from './projector.js';
import type { SqlDatabase } from './sql/database.js';
import { changeParked, requireState, type ProjectionState } from './sql/projection-state.js';
import { TableFold } from './sql/table-fold.js';

const COMMITS_AT_ONCE = 400;
const ROWS_KEPT = 3_000;
/** The first look comes soon: what refused a row may have been the database's. */
const RETRY_MS_FIRST = 60_000;
const RETRY_MS_MAX = 60 * 60_000;

interface ParkedDependencies {
  readonly database: SqlDatabase;
  readonly log: EventLog;
  readonly projector: Projector;
  readonly logger: ReadModelsLogger;
}

/**
 * Tries parked models again, less and less often: their documents are folded on from where they stand,
 * up to where the others are, and then they are followed as the others are.
 */
export class ParkedModels {
  private timer: NodeJS.Timeout | undefined;
  private waitMs = RETRY_MS_FIRST;
  private retrying: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(private readonly deps: ParkedDependencies) {}

  /** Now, and then now and then. */
  start(): Promise<void> {
    this.retrying = this.retryAll();
    return this.retrying;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.retrying;
  }

  private async retryAll(): Promise<void> {
    const models = Object.keys(this.deps.projector.state.parked) as ModelName[];
    for (const model of models) await this.retry(model);
    this.schedule();
  }

  private schedule(): void {
    if (this.stopped) return;
    const isAnyParked = Object.keys(this.deps.projector.state.parked).length > 0;
    this.waitMs = isAnyParked ? Math.min(this.waitMs * 2, RETRY_MS_MAX) : RETRY_MS_FIRST;
    this.timer = setTimeout(() => {
      this.retrying = this.retryAll();
    }, this.waitMs).unref();
  }

  private async retry(model: ModelName): Promise<void> {
    const { logger } = this.deps;
    let how: How = {};
    try {
      for (let outcome: Outcome = 'more'; outcome === 'more' && !this.stopped; await breathe()) {
        ({ outcome, how } = await this.step(model, how));
        if (outcome === 'back') logger.info({ model }, 'read-models.followed-again');
      }
    } catch (error) {
      // Another process changed what is parked: it is at it.
      if (!isFenced(error)) logger.warn({ err: error, model }, 'read-models.still-parked');
    }
  }

  private async step(
    model: ModelName,
    how: How,
  ): Promise<{ readonly outcome: Outcome; readonly how: How }> {
    try {
      return { outcome: await this.foldOn(model, how), how };
    } catch (error) {
      if (!isProjectionFailed(error)) throw error;
      return { outcome: 'more', how: await this.before(model, error, how) };
    }
  }

  /** How to come to stand directly before what failed. */
  private async before(model: ModelName, failure: ProjectionFailedError, how: How): Promise<How> {
    const { database, log } = this.deps;
    const parked = (await requireState(database.queries)).parked[model];
    // Each alone, and still not known which: it is the next one.
    if (parked === undefined || how.failure !== undefined) return { failure, until: START };
    const next = afterFailure(failure, parked.position, log);
    if (next.kind === 'one-by-one') return { commitsAtOnce: 1 };
    return { failure, until: next.kind === 'park' ? parked.position : next.until };
  }

  /** One batch further, in one transaction with where the model stands. */
  private async foldOn(
    model: ModelName,
    { failure, until, commitsAtOnce = COMMITS_AT_ONCE }: How,
  ): Promise<Outcome> {
    const { database, log, projector } = this.deps;
    const projections = PROJECTIONS.filter((projection) => projection.model === model);
    const { state, outcome } = await database.write(async (manager): Promise<Step> => {
      const before = await requireState(manager);
      const parked = before.parked[model];
      // Rebuilt, or tried by somebody else meanwhile.
      if (parked === undefined) return { state: before, outcome: 'gone' };
      const end = until ?? before.position;
      const batch = await stretch(log, parked.position, end, commitsAtOnce);
      await new TableFold(projections, before.slots, ROWS_KEPT).take(manager, batch);
      const position = batch.at(-1)?.position ?? parked.position;
      const isThere = batch.length === 0 || log.compare(position, end) >= 0;
      const isBack = failure === undefined && log.compare(position, before.position) >= 0;
      const next = isBack
        ? withoutParked(before.parked, [model])
        : failure === undefined || !isThere
          ? { ...before.parked, [model]: { ...parked, position } }
          : withParked(before.parked, failure, position, new Date());
      const after = await changeParked(manager, before, next);
      return { state: after, outcome: isBack ? 'back' : isThere ? 'stands' : 'more' };
    });
    projector.adopt(state);
    return outcome;
  }
}

type Outcome = 'more' | 'back' | 'stands' | 'gone';

interface Step {
  readonly state: ProjectionState;
  readonly outcome: Outcome;
}

/** With `failure`: up to `until`, which is the last commit before it. */
interface How {
  readonly failure?: ProjectionFailedError;
  readonly until?: Position;
  readonly commitsAtOnce?: number;
}
