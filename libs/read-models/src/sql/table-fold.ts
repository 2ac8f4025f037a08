import type { RecordedCommit } from '@shiplog/events';
import type { EntityManager } from 'typeorm';
import type { DocumentByModel, ModelName } from '../documents.js';
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
    const needed = this.fold.needed(batch);
    await this.load(manager, this.fold.missing(needed));
    await this.load(manager, this.fold.missing(this.fold.behind(needed)));
    this.fold.apply(batch);
    for (const projection of this.projections) {
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

const rowsOf = (projection: AnyProjection, entries: readonly ChangedEntry[]): Row[] =>
  entries.map(({ key, order, value }) => {
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
  });
