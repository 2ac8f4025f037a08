import { IsNull, MoreThan, Not, type EntityManager, type FindOptionsWhere } from 'typeorm';
import type { Position } from '@shiplog/events';
import type { DocumentByModel, ModelName } from '../documents.js';
import { ModelParkedError, ReadModelsUnavailableError } from '../errors.js';
import { PROJECTIONS } from '../projections/index.js';
import type { DumpRow, RowFilter, RowStore, ScanPage } from '../query/row-store.js';
import type { SqlDatabase } from './database.js';
import { tableName, type Row } from './entities.js';
import { loadState, type ProjectionState } from './projection-state.js';

const ROWS_SCANNED_AT_ONCE = 500;

/**
 * Documents in SQL, as of the last projected commit. Reads only. A parked model is read as it stands, unless
 * it stands before `atLeast`.
 */
export const sqlRowStore = (database: SqlDatabase, atLeast?: Position): RowStore => ({
  position: async () => (await servedState(database.queries)).position,
  get: async <M extends ModelName>(model: M, key: string) => {
    const rows = await onServedTable(database.queries, { model, atLeast }, (table) =>
      database.queries.find<Row>(table, {
        select: { document: true },
        where: { key, order: Not(IsNull()) },
      }),
    );
    return rows.map((row) => documentOf<M>(row))[0];
  },
  list: async <M extends ModelName>(model: M, filter: RowFilter) => {
    const rows = await onServedTable(database.queries, { model, atLeast }, (table) =>
      database.queries.find<Row>(table, {
        select: { document: true },
        where: whereOf(filter),
        order: { order: 'DESC', key: 'DESC' },
        take: filter.limit,
      }),
    );
    return rows.map((row) => documentOf<M>(row));
  },
  scan: (models) => scan(database, models),
});

const documentOf = <M extends ModelName>({ document }: Pick<Row, 'document'>) =>
  JSON.parse(document) as DocumentByModel[M];

const whereOf = ({ equal, notStatus }: RowFilter): FindOptionsWhere<Row> => ({
  // Memories have no place in lists.
  order: Not(IsNull()),
  ...equal,
  ...(notStatus === undefined ? {} : { status: Not(notStatus) }),
});

const servedState = async (manager: EntityManager): Promise<ProjectionState> => {
  const state = await loadState(manager);
  if (state === undefined) throw new ReadModelsUnavailableError('reading the projection state');
  return state;
};

/**
 * Reads the table that is served. Where tables were switched meanwhile, what was read may be of a table
 * that is being emptied: read once more.
 */
const onServedTable = async <T>(
  manager: EntityManager,
  { model, atLeast }: { readonly model: ModelName; readonly atLeast: Position | undefined },
  read: (table: string) => Promise<T>,
): Promise<T> => {
  try {
    for (;;) {
      const before = await servedState(manager);
      if (atLeast !== undefined) refuseParked(before, model, atLeast);
      const result = await read(tableName(model, before.slots[model]));
      if ((await servedState(manager)).epoch === before.epoch) return result;
    }
  } catch (cause) {
    if (cause instanceof ModelParkedError) throw cause;
    throw new ReadModelsUnavailableError(`reading ${model}`, { cause });
  }
};

const refuseParked = (
  { parked }: ProjectionState,
  model: ModelName,
  atLeast: Position | undefined,
): void => {
  const stands = parked[model];
  // Positions are padded: their order is that of their text.
  if (stands === undefined || (atLeast !== undefined && stands.position >= atLeast)) return;
  throw new ModelParkedError(model, stands.sequence, stands.problem);
};

async function* scan(database: SqlDatabase, wanted: readonly ModelName[]): AsyncIterable<ScanPage> {
  const models = PROJECTIONS.map(({ model }) => model).filter((model) => wanted.includes(model));
  const snapshot = await database.snapshot();
  try {
    const state = await servedState(snapshot.manager);
    // Equal positions give equal dumps: one with a model of an earlier position is none.
    for (const model of models) refuseParked(state, model, undefined);
    const { position } = state;
    yield { position, rows: [] };
    for (const model of models) {
      const pages = scanTable(snapshot.manager, model, tableName(model, state.slots[model]));
      for await (const rows of pages) yield { position, rows };
    }
  } finally {
    await snapshot.end();
  }
}

async function* scanTable(
  manager: EntityManager,
  model: ModelName,
  table: string,
): AsyncIterable<readonly DumpRow[]> {
  let after = '';
  for (;;) {
    const rows = await manager.find<Row>(table, {
      select: { key: true, document: true },
      where: { key: MoreThan(after), order: Not(IsNull()) },
      order: { key: 'ASC' },
      take: ROWS_SCANNED_AT_ONCE,
    });
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map(({ key, document }) => ({
      ...{ model, key },
      document: JSON.parse(document) as object,
    }));
    if (rows.length < ROWS_SCANNED_AT_ONCE) return;
    after = last.key;
  }
}
