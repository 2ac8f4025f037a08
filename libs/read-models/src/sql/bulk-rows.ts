import type { EntityManager } from 'typeorm';
import { COLUMN_NAMES, type Row } from './entities.js';

/**
 * Rows by the hundred. On SQLite all of it happens in one turn of the event loop, so that no transaction
 * is ever open while something else runs. Written out as SQL, because TypeORM's query builder takes twice the time of the
 * database for it [M]. Few sizes of statement, so that the prepared ones are found again.
 */
const ROWS_AT_ONCE = [200, 40, 8, 1] as const;
const KEYS_AT_ONCE = [400, 80, 16, 4, 1] as const;

const FIELDS = Object.keys(COLUMN_NAMES) as (keyof Row)[];
const COLUMN_LIST = FIELDS.map((field) => `"${COLUMN_NAMES[field]}"`).join(', ');

/** A row that keeps its place keeps these columns, and the indexes on them are left alone. */
const FIXED: ReadonlySet<keyof Row> = new Set(['key', 'order', 'appId', 'teamId', 'userId']);
const assignments = (fields: readonly (keyof Row)[]): string =>
  fields.map((field) => `"${COLUMN_NAMES[field]}" = excluded."${COLUMN_NAMES[field]}"`).join(', ');
const ALL_ASSIGNMENTS = assignments(FIELDS.filter((field) => field !== 'key'));
const CHANGING_ASSIGNMENTS = assignments(FIELDS.filter((field) => !FIXED.has(field)));

type StoredEntry = Pick<Row, 'key' | 'order' | 'document'>;

export const readRows = async (
  manager: EntityManager,
  table: string,
  keys: readonly string[],
): Promise<StoredEntry[]> => {
  const found: StoredEntry[] = [];
  for (const some of pieces(keys, KEYS_AT_ONCE)) {
    const sql =
      `SELECT "key" AS "key", "place" AS "order", "document" AS "document" FROM "${table}" ` +
      `WHERE "key" IN (${placeholders(manager, some.length, 0)})`;
    found.push(...(await manager.query<StoredEntry[]>(sql, [...some])));
  }
  return found;
};

/** `placed`: the rows may be new or have got another place, app or owner. */
export const writeRows = async (
  manager: EntityManager,
  table: string,
  rows: readonly Row[],
  placed: boolean,
): Promise<void> => {
  for (const some of pieces(rows, ROWS_AT_ONCE)) {
    const values: (string | null)[] = [];
    for (const row of some) for (const field of FIELDS) values.push(row[field]);
    await manager.query(
      `INSERT INTO "${table}" (${COLUMN_LIST}) VALUES ${tuples(manager, some.length)} ` +
        `ON CONFLICT ("key") DO UPDATE SET ${placed ? ALL_ASSIGNMENTS : CHANGING_ASSIGNMENTS}`,
      values,
    );
  }
};

/** Made once for each of the few sizes. */
const tuplesKnown = new Map<string, string>();
const tuples = (manager: EntityManager, count: number): string => {
  const name = `${manager.connection.options.type} ${count}`;
  const known = tuplesKnown.get(name);
  if (known !== undefined) return known;
  const made = Array.from(
    { length: count },
    (_, i) => `(${placeholders(manager, FIELDS.length, i * FIELDS.length)})`,
  ).join(', ');
  tuplesKnown.set(name, made);
  return made;
};

export const deleteRows = async (
  manager: EntityManager,
  table: string,
  keys: readonly string[],
): Promise<void> => {
  for (const some of pieces(keys, KEYS_AT_ONCE)) {
    const list = placeholders(manager, some.length, 0);
    await manager.query(`DELETE FROM "${table}" WHERE "key" IN (${list})`, [...some]);
  }
};

const placeholders = (manager: EntityManager, count: number, from: number): string => {
  const isPostgres = manager.connection.options.type === 'postgres';
  return Array.from({ length: count }, (_, i) => (isPostgres ? `$${from + i + 1}` : '?')).join(',');
};

/** Cuts a list into pieces of the given sizes, the largest first. */
function* pieces<T>(items: readonly T[], sizes: readonly number[]): Iterable<readonly T[]> {
  let at = 0;
  for (const size of sizes) {
    for (; items.length - at >= size; at += size) yield items.slice(at, at + size);
  }
}
