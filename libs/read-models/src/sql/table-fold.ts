import { toSequence, type RecordedCommit } from '@shiplog/events';
import type { EntityManager } from 'typeorm';
import type { DocumentByModel, ModelName } from '../documents.js';
import { ProjectionFailedError } from '../errors.js';
import { isRefusedData, reasonOf } from '../failure.js';
import { ProjectionFold } from '../fold.js';
import type { AnyProjection } from '../projection.js';
import type { ChangedEntry } from '../working-rows.js';
import { deleteRows, readRows, writeRows } from './bulk-rows.js';
import { tableName, type Row } from './entities.js';
import type { Slots } from './projection-state.js';

/**
 * Folds batches over SQL tables: reads the rows that a batch touches and that are not at hand, folds in
 * memory, writes what changed in bulk. Must be thrown away when its transaction fails: what is at hand
 * is then ahead of the tables.
 */
export class TableFold {
  private readonly fold: ProjectionFold;

  constructor(
    private readonly projections: readonly AnyProjection[],
    private readonly slots: Slots,
    /** Rows kept at hand per model between batches. */
    private readonly rowsKept: number,
  ) {
    this.fold = ProjectionFold.overStore(projections);
  }

  async take(manager: EntityManager, batch: readonly RecordedCommit[]): Promise<void> {
    await this.add(manager, batch);
    await this.write(manager, onlyPlaceIn(batch));
  }

  /**
   * Folds on and writes nothing: what several batches change in one row is written once. Reads outside of
   * the transaction that writes, which has to make sure that nobody else wrote meanwhile.
   */
  async add(manager: EntityManager, batch: readonly RecordedCommit[]): Promise<void> {
    const needed = this.fold.needed(batch);
    await this.load(manager, this.fold.missing(needed));
    await this.load(manager, this.fold.missing(this.fold.behind(needed)));
    this.fold.apply(batch);
  }

  /** What was added. `at`: of the commit, where it was one. */
  async write(manager: EntityManager, at: ProjectionFailedError['at'] = null): Promise<void> {
    for (const projection of this.projections) {
      try {
        await this.writeModel(manager, projection);
      } catch (cause) {
        if (!(cause instanceof RowsFailedError) && !isRefusedData(cause)) throw cause;
        throw new ProjectionFailedError(projection.model, at, reasonOf(cause), { cause });
      }
    }
  }

  private async writeModel(manager: EntityManager, projection: AnyProjection): Promise<void> {
    const rows = this.fold.rows(projection.model);
    const table = this.table(projection.model);
    const { changed, gone } = rows.takeChanges();
    const placed = changed.filter((entry) => entry.isPlaced);
    const kept = changed.filter((entry) => !entry.isPlaced);
    await writeRows(manager, table, rowsOf(projection, placed), true);
    await writeRows(manager, table, rowsOf(projection, kept), false);
    await deleteRows(manager, table, gone);
    rows.shrinkTo(this.rowsKept);
  }

  /** Lets rows go that were written. */
  shrinkTo(count: number): void {
    for (const { model } of this.projections) this.fold.rows(model).shrinkTo(count);
  }

  private async load(
    manager: EntityManager,
    missing: ReadonlyMap<ModelName, readonly string[]>,
  ): Promise<void> {
    for (const [model, keys] of missing) {
      const rows = this.fold.rows(model);
      for (const key of keys) rows.load(key, null);
      for (const { key, order, document } of await readRows(manager, this.table(model), keys)) {
        rows.load(key, { order, value: JSON.parse(document) as object });
      }
    }
  }

  private table(model: ModelName): string {
    return tableName(model, this.slots[model]);
  }
}

/** A projection made a document that cannot be a row. */
class RowsFailedError extends Error {}

/** Where a batch is one commit, that is the one. */
export const onlyPlaceIn = (batch: readonly RecordedCommit[]): ProjectionFailedError['at'] => {
  const [first, ...others] = batch;
  if (first === undefined || others.length > 0) return null;
  return { position: first.position, sequence: toSequence(first.position, 0) };
};

const rowsOf = (projection: AnyProjection, entries: readonly ChangedEntry[]): Row[] => {
  try {
    return entries.map((entry) => rowOf(projection, entry));
  } catch (cause) {
    throw new RowsFailedError(reasonOf(cause), { cause });
  }
};

const rowOf = (projection: AnyProjection, { key, order, value }: ChangedEntry): Row => {
  const columns = order === null ? {} : projection.columns(value as DocumentByModel[ModelName]);
  return {
    key,
    order,
    appId: columns.appId ?? null,
    teamId: columns.teamId ?? null,
    userId: columns.userId ?? null,
    status: columns.status ?? null,
    name: columns.name ?? null,
    document: JSON.stringify(value),
  };
};
