import { START, type Position, type RecordedCommit } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { breathe } from './breathe.js';
import type { ModelName } from './documents.js';
import type { AnyProjection } from './projection.js';
import type { Projector } from './projector.js';
import type { RebuildProgress } from './read-models.port.js';
import type { SqlDatabase } from './sql/database.js';
import { otherSlot, tableName } from './sql/entities.js';
import {
  assertBuild,
  claimBuild,
  CURRENT_VERSIONS,
  isUnclaimed,
  loadState,
  switchTables,
  type ProjectionState,
  type Slots,
} from './sql/projection-state.js';
import { TableFold } from './sql/table-fold.js';

const COMMITS_AT_ONCE = 400;
/** More than the projector keeps: history is revisited widely when it is read at once. */
const ROWS_KEPT = 5_000;

interface RebuildDependencies {
  readonly database: SqlDatabase;
  readonly log: EventLog;
  readonly projector: Projector;
  readonly codeHash: string;
}

export interface RebuildResult {
  readonly position: Position;
  readonly events: number;
  readonly durationMs: number;
}

/**
 * Folds the log from its start into the tables that are not served, while the served ones are read and
 * written as ever, then makes them the served ones in one transaction with the checkpoint.
 */
export const rebuild = async (
  deps: RebuildDependencies,
  projections: readonly AnyProjection[],
  onProgress: (progress: RebuildProgress) => void,
): Promise<RebuildResult> => {
  const startedMs = performance.now();
  const buildId = uuidv7();
  const models = projections.map(({ model }) => model);
  const slots = await takeOver(deps.database, buildId, models);
  const build = new Build(deps, buildId, new TableFold(projections, slots, ROWS_KEPT));

  await build.follow(onProgress);
  const { state, before } = await build.finish(models, slots);
  await emptyUnserved(deps.database, models, before.slots);
  return {
    position: state.position,
    events: build.events,
    durationMs: Math.round(performance.now() - startedMs),
  };
};

class Build {
  events = 0;
  private position: Position = START;
  private hash = '';

  constructor(
    private readonly deps: RebuildDependencies,
    private readonly buildId: string,
    private readonly fold: TableFold,
  ) {}

  /** To about where the served tables are. They move on meanwhile: the rest is `finish`'s. */
  async follow(onProgress: (progress: RebuildProgress) => void): Promise<void> {
    const { log, database, projector } = this.deps;
    let ahead = this.read(projector.state.position);
    for (;;) {
      const batch = await ahead;
      const last = batch.at(-1)?.position ?? this.position;
      const end = projector.state.position;
      const isLast = batch.length < COMMITS_AT_ONCE || log.compare(last, end) >= 0;
      // The next piece is read while this one is written.
      ahead = isLast ? Promise.resolve([]) : this.read(end, last);
      ahead.catch(() => undefined);
      await database.write(async (manager) => {
        await assertBuild(manager, this.buildId);
        await this.fold.take(manager, batch);
      });
      this.advance(batch);
      onProgress({ done: Number(this.position), total: Number(end) });
      if (isLast) return;
      await breathe();
    }
  }

  /** The last few commits and the switch, while nobody else writes. */
  finish(
    models: readonly ModelName[],
    slots: Slots,
  ): Promise<{ state: ProjectionState; before: ProjectionState }> {
    const { database, projector, codeHash } = this.deps;
    const isAll = models.length === Object.keys(CURRENT_VERSIONS).length;
    return database
      .write(async (manager) => {
        await assertBuild(manager, this.buildId);
        const before = await loadState(manager);
        if (before === undefined) throw new Error('the state row of the read models vanished');
        for (;;) {
          const batch = await this.read(before.position);
          if (batch.length === 0) break;
          await this.fold.take(manager, batch);
          this.advance(batch);
        }
        const state = await switchTables(manager, before, {
          position: before.position,
          hash: before.position === START ? '' : this.hash,
          slots: { ...before.slots, ...slots },
          versions: isAll ? CURRENT_VERSIONS : { ...before.versions, ...versionsOf(models) },
          codeHash: isAll ? codeHash : before.codeHash,
        });
        return { state, before };
      })
      .then((switched) => {
        projector.adopt(switched.state);
        return switched;
      });
  }

  private async read(end: Position, after = this.position): Promise<readonly RecordedCommit[]> {
    const { log } = this.deps;
    if (log.compare(after, end) >= 0) return [];
    const page = await log.readAfter(after, COMMITS_AT_ONCE);
    return page.filter(({ position }) => log.compare(position, end) <= 0);
  }

  private advance(batch: readonly RecordedCommit[]): void {
    const last = batch.at(-1);
    if (last === undefined) return;
    this.position = last.position;
    this.hash = last.hash;
    for (const { commit } of batch) this.events += commit.events.length;
  }
}

const versionsOf = (models: readonly ModelName[]): Partial<Record<ModelName, number>> =>
  Object.fromEntries(models.map((model) => [model, CURRENT_VERSIONS[model]]));

/** Claims and empties the tables beside the served ones. */
const takeOver = (
  database: SqlDatabase,
  buildId: string,
  models: readonly ModelName[],
): Promise<Slots> =>
  database.write(async (manager) => {
    await claimBuild(manager, buildId);
    const state = await loadState(manager);
    if (state === undefined) throw new Error('the state row of the read models vanished');
    const slots = { ...state.slots };
    for (const model of models) {
      slots[model] = otherSlot(state.slots[model]);
      await empty(manager, tableName(model, slots[model]));
    }
    return slots;
  });

/** Gives the room of the old tables back, unless another rebuild works there already. */
const emptyUnserved = (
  database: SqlDatabase,
  models: readonly ModelName[],
  slots: Slots,
): Promise<void> =>
  database.write(async (manager) => {
    if (!(await isUnclaimed(manager))) return;
    for (const model of models) await empty(manager, tableName(model, slots[model]));
  });

// Not TRUNCATE: on PostgreSQL that empties the table for snapshots that began before it, too.
const empty = (manager: EntityManager, table: string): Promise<unknown> =>
  manager.createQueryBuilder().delete().from(table).execute();
