import canonicalize from 'canonicalize';
import type { EntityManager } from 'typeorm';
import { breathe } from './breathe.js';
import type { ModelName } from './documents.js';
import type { ModelDifference } from './read-models.port.js';
import { COLUMN_NAMES } from './sql/entities.js';

/** Rows compared in one statement: some milliseconds on the thread that answers requests. */
const ROWS_AT_ONCE = 2_000;
/** Of a difference as many keys are named. */
const KEYS_NAMED = 10;

const UNLIKE = Object.values(COLUMN_NAMES)
  .filter((column) => column !== 'key')
  .map((column) => `n."${column}" IS DISTINCT FROM s."${column}"`)
  .join(' OR ');

interface Unlike {
  readonly key: string;
  readonly made: string | null;
  readonly served: string | null;
}

/**
 * Compares two tables of one model row by row, memories included, in pages: undefined where they hold the
 * same. Both must stand still; nothing is held in memory but a page.
 */
export const compareTables = async (
  manager: EntityManager,
  model: ModelName,
  tables: { readonly made: string; readonly served: string },
  signal: AbortSignal,
): Promise<ModelDifference | undefined> => {
  const keys: string[] = [];
  let changed = 0;
  let added = 0;
  let missing = 0;
  const note = (key: string): void => void (keys.length < KEYS_NAMED && keys.push(key));
  for (let after = ''; ;) {
    signal.throwIfAborted();
    const last = await pageEnd(manager, tables, after);
    if (last === undefined) break;
    for (const { key, made, served } of await unlikeRows(manager, tables, after, last)) {
      if (made !== null && served !== null && isSameJson(made, served)) continue;
      note(key);
      if (served === null) added += 1;
      else if (made === null) missing += 1;
      else changed += 1;
    }
    after = last;
    await breathe();
  }
  return changed + added + missing === 0 ? undefined : { model, changed, added, missing, keys };
};

/** The last key of the next page of both; no key is empty. */
const pageEnd = async (
  manager: EntityManager,
  { made, served }: { readonly made: string; readonly served: string },
  after: string,
): Promise<string | undefined> => {
  const parameter = parameters(manager);
  const page = (table: string): string =>
    `SELECT "key" FROM "${table}" WHERE "key" > ${parameter(1)} ORDER BY "key" LIMIT ${ROWS_AT_ONCE}`;
  const pages: { readonly last: string; readonly isFull: boolean }[] = [];
  for (const table of [made, served]) {
    const [row] = await manager.query<{ last: string | null; count: number | string }[]>(
      `SELECT max("key") AS "last", count(*) AS "count" FROM (${page(table)}) AS page`,
      [after],
    );
    if (row?.last == null) continue;
    pages.push({ last: row.last, isFull: Number(row.count) === ROWS_AT_ONCE });
  }
  // Behind the end of a full page that table has more: it is the next page's.
  const full = pages.filter(({ isFull }) => isFull).map(({ last }) => last);
  return full.length > 0
    ? full.toSorted(ascending)[0]
    : pages
        .map(({ last }) => last)
        .toSorted(ascending)
        .at(-1);
};

const unlikeRows = async (
  manager: EntityManager,
  { made, served }: { readonly made: string; readonly served: string },
  after: string,
  last: string,
): Promise<Unlike[]> => {
  const parameter = parameters(manager);
  const range = (alias: string): string =>
    `${alias}."key" > ${parameter(1)} AND ${alias}."key" <= ${parameter(2)}`;
  const changed = await manager.query<Unlike[]>(
    `SELECT n."key" AS "key", n."document" AS "made", s."document" AS "served" FROM "${made}" n ` +
      `LEFT JOIN "${served}" s ON s."key" = n."key" WHERE ${range('n')} AND (${UNLIKE})`,
    [after, last],
  );
  const gone = await manager.query<{ key: string }[]>(
    `SELECT s."key" AS "key" FROM "${served}" s WHERE ${range('s')} ` +
      `AND NOT EXISTS (SELECT 1 FROM "${made}" n WHERE n."key" = s."key")`,
    [after, last],
  );
  return [...changed, ...gone.map(({ key }) => ({ key, made: null, served: '' }))];
};

/** Members in another order are no difference: nobody can see it. */
const isSameJson = (made: string, served: string): boolean =>
  made !== served && canonicalize(JSON.parse(made)) === canonicalize(JSON.parse(served));

// Not localeCompare: both databases compare bytes.
const ascending = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

const parameters =
  (manager: EntityManager) =>
  (n: number): string =>
    manager.connection.options.type === 'postgres' ? `$${n}` : '?';
