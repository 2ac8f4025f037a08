import type { RecordedCommit } from '@shiplog/events';
import { In, type EntityManager } from 'typeorm';
import { breathe } from '../breathe.js';
import type { DocumentByModel, ModelName } from '../documents.js';
import { ProjectionFold } from '../fold.js';
import type { AnyProjection } from '../projection.js';
import type { Entry } from '../working-rows.js';
import { tableName, type Row } from './entities.js';
import type { Slots } from './projection-state.js';

/** Rows of one INSERT: measured, larger ones gain nothing. */
const ROWS_WRITTEN_AT_ONCE = 200;
const KEYS_READ_AT_ONCE = 500;
const UPDATED_COLUMNS = ['place', 'app_id', 'team_id', 'user_id', 'status', 'name', 'document'];

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
    await this.load(manager, this.fold.missing(batch));
    await this.load(manager, this.fold.missingBehind(batch));
    this.fold.apply(batch);
    for (const projection of this.projections) {
      const { put, gone } = this.fold.rows(projection.model).takeChanges();
      await this.write(manager, projection, put);
      await this.remove(manager, projection.model, gone);
      this.fold.rows(projection.model).shrinkTo(this.rowsKept);
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
      for (const some of chunks(keys, KEYS_READ_AT_ONCE)) {
        const found = await manager.find<Row>(this.table(model), {
          select: { key: true, order: true, document: true },
          where: { key: In([...some]) },
        });
        for (const { key, order, document } of found) {
          rows.load(key, { order, value: JSON.parse(document) as object });
        }
        await breathe();
      }
    }
  }

  private async write(
    manager: EntityManager,
    projection: AnyProjection,
    entries: readonly (readonly [string, Entry])[],
  ): Promise<void> {
    for (const some of chunks(entries, ROWS_WRITTEN_AT_ONCE)) {
      await manager
        .createQueryBuilder()
        .insert()
        .into(this.table(projection.model))
        .values(some.map(([key, entry]) => rowOf(projection, key, entry)))
        .orUpdate(UPDATED_COLUMNS, ['key'])
        .updateEntity(false)
        .execute();
      await breathe();
    }
  }

  private async remove(
    manager: EntityManager,
    model: ModelName,
    keys: readonly string[],
  ): Promise<void> {
    for (const some of chunks(keys, KEYS_READ_AT_ONCE)) {
      await manager.delete(this.table(model), { key: In([...some]) });
    }
  }

  private table(model: ModelName): string {
    return tableName(model, this.slots[model]);
  }
}

const rowOf = (projection: AnyProjection, key: string, { order, value }: Entry): Row => {
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

function* chunks<T>(items: readonly T[], size: number): Iterable<readonly T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}
