import type { Position } from '@shiplog/events';
import type { DocumentByModel, ModelName } from '../documents.js';
import type { ProjectionFold } from '../fold.js';
import type { AnyProjection, FilterColumn } from '../projection.js';
import { isMemoryKey } from '../working-rows.js';
import type { RowFilter, RowStore, ScanPage } from './row-store.js';

const ROWS_AT_ONCE = 500;

type Placed = readonly [key: string, { readonly order: string; readonly value: object }];

/** Documents as a fold left them: for questions about the past. */
export const memoryRowStore = (fold: ProjectionFold, position: Position): RowStore => ({
  position: () => Promise.resolve(position),
  get: <M extends ModelName>(model: M, key: string) =>
    Promise.resolve(
      isMemoryKey(key)
        ? undefined
        : (fold.rows(model).document(key) as DocumentByModel[M] | undefined),
    ),
  list: <M extends ModelName>(model: M, filter: RowFilter) => {
    const projection = projectionOf(fold, model);
    const found = [...fold.rows(model).documents()]
      .filter(([, { value }]) => matches(projection, value, filter))
      .toSorted(newestFirst)
      .slice(0, filter.limit)
      .map(([, { value }]) => value as DocumentByModel[M]);
    return Promise.resolve(found);
  },
  scan: (models) => scan(fold, position, models),
});

const projectionOf = (fold: ProjectionFold, model: ModelName): AnyProjection => {
  const projection = fold.projections.find((candidate) => candidate.model === model);
  if (projection === undefined) throw new Error(`no projection makes ${model}`);
  return projection;
};

const matches = (projection: AnyProjection, document: object, filter: RowFilter): boolean => {
  const columns = projection.columns(document as DocumentByModel[ModelName]);
  const equal = Object.entries(filter.equal) as [FilterColumn, string][];
  return (
    equal.every(([column, value]) => columns[column] === value) &&
    (filter.notStatus === undefined || columns.status !== filter.notStatus)
  );
};

// Not localeCompare: the order must not depend on the machine's locale.
const descending = (a: string, b: string): number => (a < b ? 1 : a > b ? -1 : 0);

const newestFirst = ([keyA, a]: Placed, [keyB, b]: Placed): number =>
  descending(a.order, b.order) || descending(keyA, keyB);

// eslint-disable-next-line @typescript-eslint/require-await -- the port's shape: stores elsewhere wait
async function* scan(
  fold: ProjectionFold,
  position: Position,
  models: readonly ModelName[],
): AsyncIterable<ScanPage> {
  yield { position, rows: [] };
  for (const { model } of fold.projections) {
    if (!models.includes(model)) continue;
    const sorted = [...fold.rows(model).documents()].toSorted(([a], [b]) => descending(b, a));
    for (let at = 0; at < sorted.length; at += ROWS_AT_ONCE) {
      const page = sorted.slice(at, at + ROWS_AT_ONCE);
      yield { position, rows: page.map(([key, { value }]) => ({ model, key, document: value })) };
    }
  }
}
